#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

namespace attest::bug_zoo {

inline constexpr int kBitsOfBfloat16 = 8;
inline constexpr int kBitsOfTf32 = 11;

/// `value` to nearest with that many significant bits, and float32's range.
inline float rounded_to_bits(float value, int bits) {
  int exponent = 0;
  const float fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, bits)), exponent - bits);
}

/// `value` to nearest as float16 holds it: 11 significant bits, fewer below 2^-14, infinity above 65504.
inline float rounded_to_float16(float value) {
  constexpr int kBits = 11, kLeastExponent = -13;
  constexpr float kLargest = 65504;
  if (value == 0 || !std::isfinite(value)) return value;
  const int last = std::max(std::ilogb(value) + 1, kLeastExponent) - kBits;
  const float rounded = std::ldexp(std::nearbyint(std::ldexp(value, -last)), last);
  return std::fabs(rounded) <= kLargest ? rounded : std::copysign(std::numeric_limits<float>::infinity(), value);
}

}  // namespace attest::bug_zoo
