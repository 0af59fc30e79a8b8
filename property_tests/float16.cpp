#include "fixtures/float16.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "fixtures/float_format.h"

/// float16 against its definition: every number, and the middle between every two neighbours.
namespace attest {
namespace {

constexpr std::uint16_t kInfinityBits = 0x7C00;

double value_of(std::uint16_t bits) { return static_cast<double>(to_float(float16{bits})); }
std::uint16_t rounded(double value) { return round_to_float16(value).bits; }

TEST(float16, has_the_values_that_ieee_754_gives_its_bits) {
  EXPECT_EQ(value_of(0x0000), 0.0);
  EXPECT_TRUE(std::signbit(value_of(0x8000)));
  EXPECT_EQ(value_of(0x0001), 0x1p-24);
  EXPECT_EQ(value_of(0x03FF), 0x1p-14 - 0x1p-24);
  EXPECT_EQ(value_of(0x0400), 0x1p-14);
  EXPECT_EQ(value_of(0x3C00), 1.0);
  EXPECT_EQ(value_of(0x3C01), 1.0 + 0x1p-10);
  EXPECT_EQ(value_of(0xC000), -2.0);
  EXPECT_EQ(value_of(0x7BFF), 65504.0);
  EXPECT_EQ(value_of(0x7C00), std::numeric_limits<double>::infinity());
  EXPECT_EQ(value_of(0xFC00), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(value_of(0x7C01)));
  EXPECT_TRUE(std::isnan(value_of(0xFFFF)));
}

TEST(float16, every_number_is_rounded_to_itself_and_a_nan_to_a_quiet_nan_of_its_sign) {
  for (unsigned bits = 0; bits <= 0xFFFF; ++bits) {
    const double value = value_of(static_cast<std::uint16_t>(bits));
    const unsigned wanted = std::isnan(value) ? (bits & 0x8000u) | 0x7E00u : bits;
    ASSERT_EQ(rounded(value), wanted) << bits;
  }
}

TEST(float16, what_lies_between_two_neighbours_goes_to_the_nearer_one_and_the_middle_to_the_even_one) {
  for (std::uint16_t below = 0; below < kInfinityBits; ++below) {
    const auto above = static_cast<std::uint16_t>(below + 1);
    const double top = above == kInfinityBits ? 65536.0 : value_of(above);
    const double middle = (value_of(below) + top) / 2;
    for (const double sign : {1.0, -1.0}) {
      const unsigned bit = sign < 0 ? 0x8000 : 0;
      ASSERT_EQ(rounded(sign * middle), bit | (below % 2 == 0 ? below : above)) << below;
      ASSERT_EQ(rounded(sign * std::nextafter(middle, 0.0)), bit | below) << below;
      ASSERT_EQ(rounded(sign * std::nextafter(middle, 1e9)), bit | above) << below;
    }
  }
  EXPECT_EQ(rounded(1e300), kInfinityBits);
}

TEST(float_format, knows_half_the_distance_of_neighbours_of_float16) {
  const FloatFormat format = format_of(DType::float16);
  for (std::uint16_t bits = 0; bits + 1 < kInfinityBits; ++bits) {
    const double y = value_of(bits), above = value_of(static_cast<std::uint16_t>(bits + 1));
    ASSERT_EQ(half_ulp(y, format), (above - y) / 2) << bits;
    ASSERT_EQ(half_ulp(-y, format), (above - y) / 2) << bits;
  }
}

TEST(float_format, agrees_with_the_limits_of_the_formats_that_cpp_has) {
  const auto expect = [](DType dtype, const auto& limits) {
    const FloatFormat format = format_of(dtype);
    EXPECT_EQ(format.fraction_bits, limits.digits - 1);
    EXPECT_EQ(format.min_exponent, limits.min_exponent - 1);
    EXPECT_EQ(format.max_exponent, limits.max_exponent - 1);
    EXPECT_EQ(format.unit_roundoff(), static_cast<double>(limits.epsilon()) / 2);
  };
  expect(DType::float32, std::numeric_limits<float>());
  expect(DType::float64, std::numeric_limits<double>());
  EXPECT_EQ(format_of(DType::bfloat16).unit_roundoff(), 0x1p-8);
  EXPECT_THROW(format_of(DType::int32), InputError);
}

}  // namespace
}  // namespace attest
