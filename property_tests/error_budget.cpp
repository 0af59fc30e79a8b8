#include "reference/error_budget.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace attest::reference {
namespace {

TEST(error_budget, half_an_ulp_is_half_the_distance_between_neighbours) {
  for (const float value : {1.0F, 1.5F, 1.9999999F, 3e38F, 1e-30F, 0x1p-126F}) {
    const double gap = static_cast<double>(std::nextafter(value, INFINITY)) - value;
    EXPECT_EQ(half_ulp(value, DType::float32), gap / 2) << value;
    EXPECT_EQ(half_ulp(-value, DType::float32), gap / 2) << value;
  }
  EXPECT_EQ(half_ulp(1.0, DType::bfloat16), 0x1p-8);
  EXPECT_EQ(half_ulp(255.0, DType::bfloat16), 0.5);
}

TEST(error_budget, half_an_ulp_never_falls_below_half_the_smallest_subnormal) {
  EXPECT_EQ(half_ulp(0.0, DType::float32), 0x1p-150);
  EXPECT_EQ(half_ulp(0x1p-140, DType::float32), 0x1p-150);
  EXPECT_EQ(half_ulp(0.0, DType::bfloat16), 0x1p-134);
  EXPECT_EQ(half_ulp(std::numeric_limits<double>::quiet_NaN(), DType::bfloat16), 0x1p-134);
}

TEST(error_budget, the_worst_case_is_never_below_the_statistical_growth) {
  for (const double n : {1.0, 2.0, 64.0, 4096.0}) {
    EXPECT_LE(linear_factor(Growth::statistical, n), linear_factor(Growth::worst_case, n));
    EXPECT_LE(norm_factor(Growth::statistical, n), norm_factor(Growth::worst_case, n));
    EXPECT_LE(logit_factor(Growth::statistical, n), logit_factor(Growth::worst_case, n));
    EXPECT_LE(softmax_factor(Growth::statistical, n, n), softmax_factor(Growth::worst_case, n, n * n));
    EXPECT_LE(softmax_factor(Growth::statistical, n, n * n), softmax_factor(Growth::worst_case, n, n * n));
  }
}

}  // namespace
}  // namespace attest::reference
