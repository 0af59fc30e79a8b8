#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "harness/draw/drawn_case.h"
#include "harness/explain/explain.h"
#include "harness/explain/formulas.h"
#include "harness/explain/layer_hypotheses.h"
#include "harness/judge/case_truth.h"
#include "harness/verdict/comparator.h"
#include "property_tests/golden_cases.h"
#include "property_tests/planted_bug.h"
#include "reference/arrays.h"

/// Each wrong formula that the explanations know is planted as it stands, and must be the first that is named: one that
/// never is would be dead, or always be mistaken for another.
namespace attest::property_tests {
namespace {

using harness::explain::Hypotheses;
using harness::explain::Hypothesis;
using harness::explain::Residual;
using harness::explain::StageFailure;

/// A sentence with its numbers replaced: "blocks of 4 keys" and "blocks of 8 keys" are one formula.
std::string words_of(const harness::Finding& finding) {
  static const std::regex number("[-+]?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?");
  return finding.id + ": " + std::regex_replace(finding.sentence, number, "#");
}

/// The stage as the formula has it.
Tensor computed_by(const Hypothesis& formula, const Tensor& right) {
  auto all = reference::to_array<double>(right);
  const auto length = static_cast<std::ptrdiff_t>(right.shape().back());
  for (std::ptrdiff_t row = 0; row < right.size() / length; ++row) {
    std::ranges::copy(formula.wrong(row), all.begin() + row * length);
  }
  return reference::to_tensor(all, right.dtype());
}

class Census {
 public:
  void plant_in(const Case& item) {
    const auto judged = harness::with_truths(item);
    for (std::size_t step = 0; step < item.steps.size(); ++step) {
      const auto& truths = judged.steps[step];
      if (!truths.recorded) continue;
      if (item.steps[step].sampled) continue;
      for (const auto& stage : truths.recorded->stages()) {
        plant_in(item, step, stage.stage, &stage.inputs, truths.localised.at(stage.stage));
      }
      for (const Stage stage : {Stage::k_cache, Stage::v_cache}) {
        const auto cache = truths.end_to_end.find(stage);
        if (cache != truths.end_to_end.end()) plant_in(item, step, stage, nullptr, cache->second);
      }
    }
  }

  std::set<std::string> never_first() const {
    std::set<std::string> never;
    std::ranges::set_difference(known_, first_, std::inserter(never, never.end()));
    return never;
  }
  std::size_t known() const { return known_.size(); }

 private:
  void plant_in(const Case& item, std::size_t step, Stage stage, const harness::StageInputs* inputs,
                const reference::StageTruth& truth) {
    const Tensor right = reference::to_tensor(reference::to_array<double>(truth.value), item.layer.config.dtype);
    const Residual none(stage, right, truth);
    const StageFailure failure{stage, right, truth, inputs, &item, step};
    Hypotheses formulas = inputs == nullptr ? Hypotheses() : harness::explain::formulas_of(failure, none);
    std::ranges::move(harness::explain::layer_hypotheses(failure), std::back_inserter(formulas));
    for (const Hypothesis& formula : formulas) {
      known_.insert(words_of(formula.finding));
      if (first_.contains(words_of(formula.finding))) continue;
      const Tensor got = computed_by(formula, right);
      const auto explanation = harness::explain::explain_stage({stage, got, truth, inputs, &item, step});
      if (!explanation.findings.empty()) first_.insert(words_of(first_cause(explanation)));
    }
  }

  std::set<std::string> known_, first_;
};

bool is_small(const std::filesystem::path& file) { return file.parent_path().filename() != "real_layers"; }

TEST(formulas_told_apart, each_is_the_first_that_is_named_where_it_is_planted) {
  Census census;
  for (const auto& file : golden_files()) {
    if (!is_small(file)) continue;
    const Case item = read_case(file);
    if (!constructor_raises(item)) census.plant_in(item);
  }
  // NaN in hidden keys, which no recorded case has.
  census.plant_in(harness::drawn_case(
      harness::nearest_valid({.family = "hidden_nan", .b = 2, .s_x = 9, .mask = harness::MaskKind::boolean})));
  // Several blocks in a row of blocks, which recorded cases have in sampled steps only.
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    census.plant_in(harness::drawn_case(
        harness::nearest_valid({.seed = seed, .b = 2, .s_x = 75, .h_d = 6, .mask = harness::MaskKind::blocks})));
  }
  EXPECT_GE(census.known(), 100u);
  EXPECT_TRUE(census.never_first().empty()) << fmt::format("{}", fmt::join(census.never_first(), "\n"));
}

}  // namespace
}  // namespace attest::property_tests
