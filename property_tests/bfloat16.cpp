#include "fixtures/bfloat16.h"

#include <gtest/gtest.h>

#include <limits>

namespace attest {
namespace {

float float_of(std::uint32_t bits) { return std::bit_cast<float>(bits); }

std::uint16_t rounded(float value) { return round_to_bfloat16(value).bits; }
std::uint16_t rounded(double value) { return round_to_bfloat16(value).bits; }

bool is_nan(std::uint16_t bits) { return (bits & 0x7F80u) == 0x7F80u && (bits & 0x7Fu) != 0; }

TEST(bfloat16, every_value_survives_widening_and_rounding) {
  for (std::uint32_t bits = 0; bits <= 0xFFFFu; ++bits) {
    const auto value = to_float({static_cast<std::uint16_t>(bits)});
    if (is_nan(static_cast<std::uint16_t>(bits))) {
      EXPECT_EQ(rounded(value), bits | 0x40u);
      EXPECT_TRUE(is_nan(rounded(static_cast<double>(value))));
    } else {
      ASSERT_EQ(rounded(value), bits);
      ASSERT_EQ(rounded(static_cast<double>(value)), bits);
    }
  }
}

TEST(bfloat16, a_tie_goes_to_the_even_neighbour_and_a_hair_beside_it_to_the_nearer) {
  for (const std::uint32_t sign : {0u, 0x80000000u}) {
    for (std::uint32_t upper = 0; upper < 0x7F80u; ++upper) {
      const auto even = static_cast<std::uint16_t>((sign >> 16) | (upper + (upper & 1u)));
      const std::uint32_t tie = sign | (upper << 16) | 0x8000u;
      ASSERT_EQ(rounded(float_of(tie)), even);
      ASSERT_EQ(rounded(static_cast<double>(float_of(tie))), even);
      ASSERT_EQ(rounded(float_of(tie - 1)), (sign >> 16) | upper);
      ASSERT_EQ(rounded(float_of(tie + 1)), (sign >> 16) | (upper + 1));
    }
  }
}

TEST(bfloat16, a_double_is_rounded_once) {
  // Just above the tie between 1 and 1 + 2^-7, by less than float32 can tell: rounding twice would give 1.
  const double above_tie = 1.0 + 0x1p-8 + 0x1p-40;
  EXPECT_EQ(rounded(static_cast<float>(above_tie)), rounded(1.0f));
  EXPECT_EQ(rounded(above_tie), rounded(1.0f + 0x1p-7f));
  EXPECT_EQ(rounded(-above_tie), rounded(-1.0f - 0x1p-7f));
  const double below_tie = 1.0 + 0x1p-7 + 0x1p-8 - 0x1p-40;  // twice: the tie, then the even neighbour above
  EXPECT_EQ(rounded(static_cast<float>(below_tie)), rounded(1.0f + 0x1p-6f));
  EXPECT_EQ(rounded(below_tie), rounded(1.0f + 0x1p-7f));
}

TEST(bfloat16, what_is_too_large_becomes_infinite_and_only_that) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  const double largest = 0x1.FEp127, first_infinite = 0x1.FFp127;
  for (const float sign : {1.0f, -1.0f}) {
    EXPECT_EQ(to_float(round_to_bfloat16(sign * kInfinity)), sign * kInfinity);
    EXPECT_EQ(to_float(round_to_bfloat16(static_cast<double>(sign) * 1e300)), sign * kInfinity);
    EXPECT_EQ(to_float(round_to_bfloat16(sign * first_infinite)), sign * kInfinity);
    EXPECT_EQ(to_float(round_to_bfloat16(sign * (first_infinite - 0x1p80))), sign * static_cast<float>(largest));
    EXPECT_EQ(to_float(round_to_bfloat16(static_cast<float>(sign * largest))), sign * static_cast<float>(largest));
  }
}

TEST(bfloat16, subnormals_are_kept_and_zero_keeps_its_sign) {
  EXPECT_EQ(rounded(0x1p-133f), 1u);
  EXPECT_EQ(rounded(0x1p-134f), 0u);
  EXPECT_EQ(rounded(0x1.8p-134), 1u);
  EXPECT_EQ(rounded(0x1p-134 + 0x1p-180), 1u) << "above the tie, below what float32 can tell";
  EXPECT_EQ(rounded(1e-300), 0u);
  EXPECT_EQ(rounded(-1e-300), 0x8000u);
  EXPECT_EQ(rounded(-0.0f), 0x8000u);
  EXPECT_EQ(rounded(-0.0), 0x8000u);
}

TEST(bfloat16, a_nan_stays_a_nan_whatever_its_payload) {
  for (const std::uint32_t payload : {1u, 0xFFFFu, 0x10000u, 0x3FFFFFu, 0x400000u, 0x7FFFFFu}) {
    EXPECT_TRUE(is_nan(rounded(float_of(0x7F800000u | payload)))) << payload;
    EXPECT_TRUE(is_nan(rounded(float_of(0xFF800000u | payload)))) << payload;
  }
  EXPECT_TRUE(is_nan(rounded(std::bit_cast<double>(0x7FF0000000000001u))));
}

}  // namespace
}  // namespace attest
