#pragma once

#include <algorithm>
#include <cstddef>
#include <ranges>

namespace attest::optimized {

/// Consecutive samples of a call, heads of a layer, columns of a projection.
struct Range {
  std::size_t first, count;
};

/// What is computed at a time: some key/value heads, with the query heads that read them, of some samples.
struct Portion {
  Range samples, heads;
};

/// [0, count) in ranges of `step`, of which the last may be shorter.
inline auto ranges_of(std::size_t count, std::size_t step) {
  return std::views::iota(std::size_t{0}, (count + step - 1) / step) |
         std::views::transform([count, step](std::size_t i) {
           return Range{i * step, std::min(step, count - i * step)};
         });
}

}  // namespace attest::optimized
