#pragma once

#include <cmath>
#include <cstdint>

#include "fixtures/generator.h"

namespace attest::harness {

/// The numbers of one purpose, counted out of (seed, stream): the same on every machine.
class CounterNumbers {
 public:
  CounterNumbers(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  /// From 0 to before `end`.
  std::int64_t below(std::int64_t end) { return static_cast<std::int64_t>(bits() % static_cast<std::uint64_t>(end)); }
  std::int64_t between(std::int64_t first, std::int64_t last) { return first + below(last - first + 1); }
  /// True once in `count`.
  bool one_in(std::int64_t count) { return below(count) == 0; }

  /// About normal, standard deviation 1.15, a multiple of 2^-15 below 4: fixtures/generator.h's irwin_hall_4.
  double normal() {
    std::uint64_t lanes = bits();
    std::int64_t sum = 0;
    for (int lane = 0; lane < 4; ++lane, lanes >>= 16) sum += static_cast<std::int64_t>(lanes & 0xFFFFu);
    return std::ldexp(static_cast<double>(2 * sum - 262140), -16);
  }

 private:
  std::uint64_t bits() { return counter_bits(seed_, stream_, index_++); }

  std::uint64_t seed_, stream_, index_ = 0;
};

/// One stream for each purpose, so that a change of one leaves the others as they are. Each weight has one, from
/// `weights` on.
enum class DrawStream : std::uint64_t {
  x = 1,
  y,
  mask,
  positions,
  nan,
  law,
  weights,
  cache = 1000,
  sample,
  question,
  dropout
};

inline CounterNumbers numbers(std::uint64_t seed, DrawStream stream) {
  return {seed, static_cast<std::uint64_t>(stream)};
}

}  // namespace attest::harness
