#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fixtures/tensor.h"
#include "optimized/aligned_buffer.h"
#include "optimized/kernels.h"

namespace attest::optimized {

/// A run of a projection's columns that one thread computes and finishes at a time: whole heads, in their own panels.
struct ColumnGroup {
  const float* panels;  ///< [panel_count][depth][panel_width], zero-padded
  const float* bias;    ///< of the first column, or null
  std::size_t panel_count;
  std::size_t first_column, columns;
};

/// A linear layer's weight [out_features, in_features], packed once into the panels that the kernels read.
class PackedLinear {
 public:
  /// `unit` columns (head_dim, or 1) are never separated. `bias` [out_features] or null; copied.
  PackedLinear(const KernelTable& kernels, const Tensor& weight, const Tensor* bias, std::size_t unit);

  std::size_t in_features() const { return depth_; }
  std::size_t out_features() const { return columns_; }
  std::span<const ColumnGroup> groups() const { return groups_; }
  /// Columns may be computed apart from the others between multiples of this.
  std::size_t separable_columns() const { return separable_columns_; }
  /// What a group has of the columns [first, first + count), multiples of separable_columns(): perhaps nothing.
  ColumnGroup part_of(const ColumnGroup& group, std::size_t first, std::size_t count) const;

 private:
  std::size_t depth_, columns_;
  std::size_t panel_width_, separable_columns_;
  AlignedBuffer panels_;
  std::vector<float> bias_;
  std::vector<ColumnGroup> groups_;
};

}  // namespace attest::optimized
