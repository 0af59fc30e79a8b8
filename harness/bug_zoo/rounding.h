#pragma once

#include <cmath>

namespace attest::bug_zoo {

inline constexpr int kBitsOfBfloat16 = 8;
inline constexpr int kBitsOfTf32 = 11;

/// `value` to nearest with that many significant bits, and float32's range.
inline float rounded_to_bits(float value, int bits) {
  int exponent = 0;
  const float fraction = std::frexp(value, &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(fraction, bits)), exponent - bits);
}

}  // namespace attest::bug_zoo
