#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "fixtures/floating_point.h"
#include "fixtures/generator.h"
#include "harness/judge/judge_recorded.h"
#include "harness/machine/process_resources.h"
#include "property_tests/golden_cases.h"

/// Would a wrong number in a fixture be noticed? In every small case, one element of every recorded stage is changed by
/// ten error budgets, and the judge must fail that stage at that element.
namespace attest::harness {
namespace {

/// Real layers hold the same stages with more elements; computing their truth once for each change takes too long.
constexpr std::int64_t kFewWeights = 100'000;

bool has_few_weights(const Case& item) {
  std::int64_t elements = 0;
  for (const auto& [name, weight] : item.layer.weights) elements += weight.size();
  return elements < kFewWeights;
}

void store(Tensor& tensor, std::size_t at, double value) {
  visit_floating_point(tensor, [&]<class T>(std::span<T> elements) { elements[at] = converted<T>(value); });
}

/// An element of the stage with a finite truth, as a counter-based choice says; -1 if there is none.
std::int64_t choose_element(const reference::StageTruth& truth, std::uint64_t choice) {
  const auto values = truth.value.as<double>();
  for (std::size_t tried = 0; tried < values.size(); ++tried) {
    const std::size_t at = (choice + tried) % values.size();
    if (std::isfinite(values[at])) return static_cast<std::int64_t>(at);
  }
  return -1;
}

bool is_noticed(const Case& changed, std::size_t step, Stage stage, const Shape& index) {
  const auto results = judge_torchtune(with_truths(changed));
  return std::ranges::any_of(results, [&](const Result& result) {
    return result.status == Status::failed && result.step == static_cast<std::int64_t>(step) &&
           result.stage == name_of(stage) && result.comparison.worst && result.comparison.worst->index == index;
  });
}

void expect_change_noticed(const Case& item, std::size_t step, Stage stage, const reference::StageTruth& truth) {
  const std::int64_t flat = choose_element(truth, counter_bits(step, static_cast<std::uint64_t>(stage), 0));
  if (flat < 0) return;
  const auto at = static_cast<std::size_t>(flat);
  Case changed = item;
  Tensor& recorded = changed.steps[step].expected.at(stage);
  store(recorded, at, truth.value.as<double>()[at] + 10.0 * truth.budget.as<double>()[at]);
  const Shape index = unflatten(flat, recorded.shape());
  EXPECT_TRUE(is_noticed(changed, step, stage, index))
      << item.name << " step " << step << " " << name_of(stage) << to_string(index);
}

TEST(golden_sensitivity, an_element_changed_by_ten_error_budgets_is_found_in_every_stage_of_every_small_case) {
  set_threads(1);
  for (const auto& file : golden_files()) {
    const Case item = read_case(file);
    if (!has_few_weights(item)) continue;
    const JudgedCase judged = with_truths(item);
    for (std::size_t step = 0; step < judged.steps.size(); ++step) {
      for (const auto& [stage, truth] : judged.steps[step].end_to_end) {
        const auto localised = judged.steps[step].localised.find(stage);
        expect_change_noticed(item, step, stage,
                              localised == judged.steps[step].localised.end() ? truth : localised->second);
      }
    }
  }
}

TEST(golden_sensitivity, an_element_of_the_stored_truth_changed_by_a_billionth_is_found) {
  Case item = read_case(golden_files().front());
  for (auto& [stage, tensor] : item.steps[0].truth) {
    const auto values = tensor.as<double>();
    const auto largest = std::ranges::max_element(values, {}, [](double value) { return std::fabs(value); });
    *largest *= 1.0 + 1e-9;
  }
  const auto results = judge_stored_truth(with_truths(item));
  const auto failed = std::ranges::count(results, Status::failed, &Result::status);
  EXPECT_EQ(static_cast<std::size_t>(failed), item.steps[0].truth.size());
}

}  // namespace
}  // namespace attest::harness
