#include "optimized/packed_linear.h"

#include <algorithm>

#include "optimized/threads.h"

namespace attest::optimized {
namespace {

/// Columns of a group: their product for a block of rows stays in the second-level cache.
constexpr std::size_t kGroupColumns = 256;

/// Units in a group: as many as fit, but rather fewer where that wastes less of the last panel.
std::size_t units_per_group(std::size_t unit, std::size_t units, std::size_t width) {
  const std::size_t most = std::clamp<std::size_t>(kGroupColumns / unit, 1, units);
  const auto padded = [&](std::size_t n) { return (n * unit + width - 1) / width * width; };
  std::size_t best = most;
  for (std::size_t n = most; n > 0; --n) {
    if (padded(n) * best < padded(best) * n) best = n;
  }
  return best;
}

/// panels [panel][depth][width] of rows [first, first + columns) of weight [out, depth]
void pack(const float* weight, std::size_t depth, const ColumnGroup& group, std::size_t width, float* panels) {
  constexpr std::size_t kStep = 16;  // one cache line of each row at a time
  for (std::size_t column = 0; column < group.columns; column += width) {
    float* panel = panels + column * depth;
    const std::size_t n = std::min(width, group.columns - column);
    const float* rows = weight + (group.first_column + column) * depth;
    for (std::size_t first = 0; first < depth; first += kStep) {
      const std::size_t last = std::min(first + kStep, depth);
      for (std::size_t c = 0; c < n; ++c) {
        for (std::size_t k = first; k < last; ++k) panel[k * width + c] = rows[c * depth + k];
      }
    }
  }
}

}  // namespace

PackedLinear::PackedLinear(const KernelTable& kernels, const Tensor& weight, const Tensor* bias, std::size_t unit)
    : depth_(static_cast<std::size_t>(weight.dim(1))),
      columns_(static_cast<std::size_t>(weight.dim(0))),
      panel_width_(kernels.panel_width) {
  if (bias != nullptr) bias_.assign(bias->as<float>().begin(), bias->as<float>().end());
  const std::size_t width = kernels.panel_width;
  const std::size_t step = unit * units_per_group(unit, std::max<std::size_t>(columns_ / unit, 1), width);
  separable_columns_ = unit % width == 0 ? unit : step;
  std::size_t panels = 0;
  for (std::size_t first = 0; first < columns_; first += step) {
    const std::size_t columns = std::min(step, columns_ - first);
    groups_.push_back(
        {nullptr, bias == nullptr ? nullptr : bias_.data() + first, (columns + width - 1) / width, first, columns});
    panels += groups_.back().panel_count;
  }
  float* next = panels_.reserve(panels * width * depth_);
  for (auto& group : groups_) {
    group.panels = next;
    next += group.panel_count * width * depth_;
  }
  const float* source = weight.as<float>().data();
  for_each_item(groups_.size(), all_threads(),
                [&](std::size_t g) { pack(source, depth_, groups_[g], width, const_cast<float*>(groups_[g].panels)); });
}

ColumnGroup PackedLinear::part_of(const ColumnGroup& group, std::size_t first, std::size_t count) const {
  const std::size_t begin = std::max(group.first_column, first);
  const std::size_t end = std::min(group.first_column + group.columns, first + count);
  if (begin >= end) return {};
  const std::size_t skipped = begin - group.first_column, columns = end - begin;
  return {group.panels + skipped * depth_, group.bias == nullptr ? nullptr : group.bias + skipped,
          (columns + panel_width_ - 1) / panel_width_, begin, columns};
}

}  // namespace attest::optimized
