#pragma once

#include <cmath>

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

}  // namespace attest::harness::explain
