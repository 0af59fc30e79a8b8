#include "harness/explain/residual_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "reference/error_budget.h"

/// The picture of a residual: which cell an element falls into, and which letter it gets there.
namespace attest::property_tests {
namespace {

using namespace attest::harness;

constexpr double kBudget = 1e-3;

struct Failure {
  explicit Failure(const Shape& shape)
      : got(DType::float32, shape),
        truth{Tensor(DType::float64, shape), Tensor(DType::float64, shape), Tensor(DType::float64, shape), Tensor()} {
    std::ranges::fill(truth.budget.as<double>(), kBudget);
  }

  /// Sets an element off by so many budgets.
  void set_off(std::size_t row, std::size_t column, float budgets) {
    got.as<float>()[row * static_cast<std::size_t>(got.shape().back()) + column] =
        budgets * static_cast<float>(kBudget);
  }
  ResidualMap map() const { return explain::residual_map(explain::Residual(Stage::attention, got, truth)); }

  Tensor got;
  reference::StageTruth truth;
};

TEST(residual_map, a_letter_says_which_power_of_ten_the_share_does_not_exceed) {
  Failure failure({1, 2, 3, 4});
  failure.set_off(0, 0, 0.5F);
  failure.set_off(0, 1, 5.0F);
  failure.set_off(1, 2, 50.0F);
  failure.set_off(5, 3, 1e12F);
  failure.set_off(5, 0, std::numeric_limits<float>::quiet_NaN());
  const ResidualMap map = failure.map();
  EXPECT_EQ(map.axes, (std::vector<std::string>{"sample", "head", "token", "channel"}));
  EXPECT_EQ(map.cells, (std::vector<std::string>{"0100", "0020", "0000", "0000", "0000", "x009"}));
}

TEST(residual_map, a_large_tensor_is_binned_by_its_largest_shares) {
  Failure failure({1, 2, 130, 129});
  failure.set_off(7, 128, 5.0F);
  failure.set_off(8, 128, 500.0F);
  const ResidualMap map = failure.map();
  EXPECT_EQ(map.rows_a_cell, 5);
  EXPECT_EQ(map.columns_a_cell, 3);
  ASSERT_EQ(map.cells.size(), 52U);
  for (std::size_t row = 0; row < map.cells.size(); ++row) {
    EXPECT_EQ(map.cells[row], std::string(42, '0') + (row == 1 ? '3' : '0')) << row;
  }
}

TEST(residual_map, a_row_that_is_not_judged_stays_blank) {
  Failure failure({1, 1, 2, 3});
  failure.truth.condition = Tensor(DType::float64, {1, 1, 2});
  failure.truth.condition.as<double>()[0] = 2 * reference::kIllConditionedLogit;
  failure.set_off(0, 0, 5.0F);
  failure.set_off(1, 1, 5.0F);
  EXPECT_EQ(failure.map().cells, (std::vector<std::string>{"   ", "010"}));
}

}  // namespace
}  // namespace attest::property_tests
