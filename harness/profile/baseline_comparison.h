#pragma once

#include <string>

namespace attest::harness {

enum class BaselineScale {
  seconds,   ///< times, on the same machine
  fractions  ///< shares of each machine's own limit, so that machines may differ
};

struct BaselineComparison {
  BaselineScale scale = BaselineScale::seconds;
  double before = 0.0, now = 0.0;  ///< medians: seconds, or shares of the limit
  double speed_up = 1.0;           ///< above 1: better than before
  double p = 1.0;                  ///< that the ranks differ this much by chance
};

/// Below this, a difference is called one.
inline constexpr double kSignificance = 0.01;
/// "faster", "slower" or "no difference shown"
std::string verdict_of(const BaselineComparison& comparison);

}  // namespace attest::harness
