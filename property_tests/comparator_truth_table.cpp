#include <gtest/gtest.h>

#include <algorithm>

#include "harness/judge/comparator_self_check.h"
#include "harness/verdict/comparator.h"
#include "harness/verdict/unwritten.h"

namespace attest::harness {
namespace {

class comparator : public ::testing::TestWithParam<TruthTableRow> {};

TEST_P(comparator, says_what_its_truth_table_says) {
  const Comparison comparison = GetParam().compare_it();
  EXPECT_EQ(comparison.within, GetParam().accept) << GetParam().name << ": e = " << comparison.e;
}

std::string name_of_row(const ::testing::TestParamInfo<TruthTableRow>& info) {
  std::string name((info.param.accept ? "accepts " : "rejects ") + std::string(info.param.name));
  std::ranges::replace_if(
      name, [](char c) { return std::isalnum(static_cast<unsigned char>(c)) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(truth_table, comparator, ::testing::ValuesIn(comparator_truth_table()), name_of_row);

TEST(comparator, passes_its_own_check_before_every_run) { EXPECT_EQ(first_comparator_error(), ""); }

reference::StageTruth truth_of_four(double value, double budget) {
  reference::StageTruth truth;
  for (Tensor* tensor : {&truth.value, &truth.budget, &truth.worst_case}) *tensor = Tensor(DType::float64, {2, 2});
  std::ranges::fill(truth.value.as<double>(), value);
  std::ranges::fill(truth.budget.as<double>(), budget);
  std::ranges::fill(truth.worst_case.as<double>(), 4.0 * budget);
  return truth;
}

TEST(comparator, reports_the_worst_element_and_its_share_of_the_budget) {
  Tensor got(DType::float32, {2, 2});
  std::ranges::fill(got.as<float>(), 1.0f);
  got.as<float>()[2] = 1.5f;
  const Comparison comparison = compare(got, truth_of_four(1.0, 0.25), DType::float32);
  EXPECT_EQ(comparison.worst.value().index, (Shape{1, 0}));
  EXPECT_DOUBLE_EQ(comparison.e, 2.0);
  EXPECT_EQ(comparison.outside, 1);
  EXPECT_TRUE(comparison.within_worst_case);
}

TEST(comparator, sees_that_a_truth_is_constant_and_that_a_budget_is_too_wide_to_reject_zeros) {
  Tensor got(DType::float32, {2, 2});
  std::ranges::fill(got.as<float>(), 1.0f);
  EXPECT_TRUE(compare(got, truth_of_four(1.0, 0.25), DType::float32).constant_truth);
  EXPECT_TRUE(compare(got, truth_of_four(1.0, 0.25), DType::float32).has_power);
  EXPECT_FALSE(compare(got, truth_of_four(1.0, 2.0), DType::float32).has_power);
}

TEST(comparator, leaves_ill_conditioned_rows_out_and_counts_them) {
  reference::StageTruth truth = truth_of_four(1.0, 0.25);
  truth.condition = Tensor(DType::float64, {2});
  truth.condition.as<double>()[0] = 1.0;
  Tensor got(DType::float32, {2, 2});
  std::ranges::fill(got.as<float>(), 1.0f);
  got.as<float>()[0] = 100.0f;
  const Comparison comparison = compare(got, truth, DType::float32);
  EXPECT_TRUE(comparison.within);
  EXPECT_EQ(comparison.judged, 2);
  EXPECT_EQ(comparison.ill_conditioned_rows, 1);
}

TEST(comparator, recognises_an_element_that_was_never_written) {
  const Comparison comparison = compare(unwritten_tensor({2, 2}), truth_of_four(1.0, 0.25), DType::float32);
  EXPECT_FALSE(comparison.within);
  EXPECT_TRUE(comparison.never_written);
}

TEST(comparator, exact_comparison_accepts_only_equal_bits) {
  Tensor got(DType::float32, {2, 2});
  std::ranges::fill(got.as<float>(), 0.1f);
  const Tensor wanted = truth_of_four(0.1, 0.0).value;
  EXPECT_TRUE(compare_exactly(got, wanted).within);
  got.as<float>()[3] = std::nextafter(0.1f, 1.0f);
  EXPECT_FALSE(compare_exactly(got, wanted).within);
}

}  // namespace
}  // namespace attest::harness
