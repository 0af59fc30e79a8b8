#include "optimized/packed_linear.h"

#include <algorithm>

#include "optimized/threads.h"

namespace attest::optimized {
namespace {

/// Units in a group: as many as fit, but rather fewer where that wastes less of the last panel.
std::size_t units_per_group(std::size_t unit, std::size_t units, std::size_t width, std::size_t group_columns) {
  const std::size_t most = std::clamp<std::size_t>(group_columns / unit, 1, units);
  const auto padded = [&](std::size_t n) { return (n * unit + width - 1) / width * width; };
  std::size_t best = most;
  for (std::size_t n = most; n > 0; --n) {
    if (padded(n) * best < padded(best) * n) best = n;
  }
  return best;
}

}  // namespace

template <class Element>
PackedLinear<Element>::PackedLinear(const Execution<Element>& execution, const Tensor& weight, const Tensor* bias,
                                    std::size_t unit)
    : depth_(static_cast<std::size_t>(weight.dim(1))),
      columns_(static_cast<std::size_t>(weight.dim(0))),
      panel_width_(execution.kernels.panel_width),
      panel_size_(execution.kernels.panel_size(depth_)) {
  if (bias != nullptr) bias_.assign(bias->as<Element>().begin(), bias->as<Element>().end());
  const std::size_t width = panel_width_, units = std::max<std::size_t>(columns_ / unit, 1);
  group_columns_ = unit * units_per_group(unit, units, width, execution.blocking.group_columns);
  separable_columns_ = unit % width == 0 ? unit : group_columns_;
  std::size_t panels = 0;
  for (std::size_t first = 0; first < columns_; first += group_columns_) {
    const std::size_t columns = std::min(group_columns_, columns_ - first);
    groups_.push_back({.panels = nullptr,
                       .bias = bias == nullptr ? nullptr : bias_.data() + first,
                       .panel_count = (columns + width - 1) / width,
                       .first_column = first,
                       .columns = columns});
    panels += groups_.back().panel_count;
  }
  Element* const packed = panels_.reserve(panels * panel_size_);
  Element* next = packed;
  for (auto& group : groups_) {
    group.panels = next;
    next += group.panel_count * panel_size_;
  }
  const Element* source = weight.as<Element>().data();
  for_each_item(groups_.size(), execution.threads, [&](std::size_t g) {
    const ColumnGroup<Element>& group = groups_[g];
    Element* panel = packed + (group.panels - packed);
    for (std::size_t first = 0; first < group.columns; first += width, panel += panel_size_) {
      execution.kernels.pack_panel(source + (group.first_column + first) * depth_, depth_,
                                   std::min(width, group.columns - first), depth_, panel);
    }
  });
}

template <class Element>
Range PackedLinear<Element>::groups_with(const Range& columns) const {
  const std::size_t first = columns.first / group_columns_;
  return {first, (columns.first + columns.count + group_columns_ - 1) / group_columns_ - first};
}

template <class Element>
ColumnGroup<Element> PackedLinear<Element>::part_of(std::size_t index, const Range& columns) const {
  const ColumnGroup<Element>& group = groups_[index];
  const std::size_t begin = std::max(group.first_column, columns.first);
  const std::size_t end = std::min(group.first_column + group.columns, columns.first + columns.count);
  const std::size_t skipped = begin - group.first_column;
  return {.panels = group.panels + skipped / panel_width_ * panel_size_,
          .bias = group.bias == nullptr ? nullptr : group.bias + skipped,
          .panel_count = (end - begin + panel_width_ - 1) / panel_width_,
          .first_column = begin,
          .columns = end - begin};
}

template class PackedLinear<float>;

}  // namespace attest::optimized
