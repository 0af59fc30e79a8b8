#pragma once

#include <cstddef>
#include <vector>

#include "fixtures/tensor.h"
#include "optimized/aligned_buffer.h"
#include "optimized/execution.h"
#include "optimized/portion.h"

namespace attest::optimized {

/// A run of a projection's columns that one thread computes and finishes at a time: whole heads, in their own panels.
template <class Element>
struct ColumnGroup {
  const Element* panels;  ///< panel_count of them, in the target's layout; zero beyond the columns
  const float* bias;      ///< of the first column, or null
  std::size_t panel_count;
  std::size_t first_column, columns;
};

/// A linear layer's weight [out_features, in_features], packed once into the panels that the kernels read, elements of
/// the type in which the target stores them.
template <class Element>
class PackedLinear {
 public:
  /// `unit` columns (head_dim, or 1) are never separated. `bias` [out_features] or null; copied.
  PackedLinear(const Execution<Element>& execution, const Tensor& weight, const Tensor* bias, std::size_t unit);

  std::size_t in_features() const { return depth_; }
  std::size_t out_features() const { return columns_; }
  Range all_columns() const { return {0, columns_}; }
  /// Columns may be computed apart from the others between multiples of this.
  std::size_t separable_columns() const { return separable_columns_; }
  /// Panels of the widest group.
  std::size_t widest_group() const { return groups_.empty() ? 0 : groups_.front().panel_count; }
  /// The groups that have some of these columns, which begin and end at multiples of separable_columns() or at the end.
  Range groups_with(const Range& columns) const;
  /// What a group has of these columns.
  ColumnGroup<Element> part_of(std::size_t group, const Range& columns) const;

 private:
  std::size_t depth_, columns_;
  std::size_t panel_width_, panel_size_;
  std::size_t group_columns_, separable_columns_;
  AlignedArray<Element> panels_;
  std::vector<float> bias_;
  std::vector<ColumnGroup<Element>> groups_;
};

extern template class PackedLinear<float>;

}  // namespace attest::optimized
