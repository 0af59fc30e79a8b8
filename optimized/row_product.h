#pragma once

#include <cstddef>
#include <span>

#include "optimized/call_clock.h"
#include "optimized/packed_linear.h"

namespace attest::optimized {

/// A computed block of a product, still in panels and in the cache: rows [first_row, first_row + rows) of one group.
struct FinishedBlock {
  const ColumnGroup<float>& group;
  std::size_t first_row, rows;
  const float* product;  ///< product panels
  float* row_buffer;     ///< room for one row of the group
  ThreadClock* clock;    ///< or null
};

/// What becomes of a block: called once for each block of each group, from several threads.
class BlockFinisher {
 public:
  virtual ~BlockFinisher() = default;
  virtual void finish(const FinishedBlock& block) const noexcept = 0;
};

/// Some columns of a linear layer, and what becomes of them.
struct Projection {
  const PackedLinear<float>* linear;
  Range columns;  ///< as PackedLinear::groups_with wants them
  const BlockFinisher* finisher;
};

/// Consecutive rows of a matrix.
template <class Element>
struct RowMatrix {
  const Element* data;
  std::size_t rows, depth;
  std::size_t stride;         ///< elements from one row to the next
  std::size_t first_row = 0;  ///< the number under which finishers know the first one
};

/// Floats that multiply_rows needs for so many rows or fewer, and groups of so many panels or fewer.
std::size_t product_workspace(const Execution<float>& execution, std::size_t rows, std::size_t depth,
                              std::size_t widest_group);

/// Rows times every group of columns, each block handed to its finisher while it is in the cache. An element's bits
/// depend only on its row and its column: not on the number of rows, of threads, or of groups. A finisher may write
/// over the rows of x that its block was computed from: they were packed before. The time of the products themselves
/// goes to `part`.
void multiply_rows(const Execution<float>& execution, const RowMatrix<float>& x,
                   std::span<const Projection> projections, Part part, float* workspace, CallClock& clock);

}  // namespace attest::optimized
