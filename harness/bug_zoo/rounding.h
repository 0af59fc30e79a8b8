#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
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

/// `value` to nearest even as bfloat16 holds it: float32's range, subnormals included. A NaN keeps its upper bits.
inline float rounded_to_bfloat16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return std::bit_cast<float>((bits | 0x0040'0000U) & 0xFFFF'0000U);
  return std::bit_cast<float>((bits + 0x7FFFU + ((bits >> 16) & 1U)) & 0xFFFF'0000U);
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
