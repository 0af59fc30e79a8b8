#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "fixtures/bfloat16.h"

/// A number in fewer digits, to nearest: what a wrong formula rounds where the right one does not.
namespace attest::harness::explain {

inline double in_float32(double value) { return static_cast<double>(static_cast<float>(value)); }

inline double in_bfloat16(double value) { return static_cast<double>(to_float(round_to_bfloat16(value))); }

/// The 11 significant bits of TF32, and of float16 in its normal range.
inline double in_eleven_bits(double value) {
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, 11)), exponent - 11);
}

/// Its range as well: infinite beyond 65504, multiples of 2^-24 near zero.
inline double in_float16(double value) {
  if (!std::isfinite(value) || value == 0.0) return value;
  const double unit = std::ldexp(1.0, std::max(std::ilogb(value), -14) - 10);
  const double rounded = unit * std::nearbyint(value / unit);
  return std::fabs(rounded) > 65504.0 ? std::copysign(std::numeric_limits<double>::infinity(), value) : rounded;
}

}  // namespace attest::harness::explain
