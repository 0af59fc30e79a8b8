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
  for_each_item(groups_.size(), all_threads(), [&](std::size_t g) {
    const ColumnGroup& group = groups_[g];
    for (std::size_t first = 0; first < group.columns; first += width) {
      kernels.pack_panel(source + (group.first_column + first) * depth_, depth_, std::min(width, group.columns - first),
                         depth_, const_cast<float*>(group.panels) + first * depth_);
    }
  });
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
