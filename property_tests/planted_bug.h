#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>

#include "fixtures/case_file.h"
#include "harness/explain/explain.h"
#include "harness/judge/case_truth.h"
#include "harness/verdict/comparator.h"

/// A planted bug is named in words: each one is judged, must fail, and the hypothesis expected must be the first of
/// those that fit. What is planted is computed in float32, by code that the hypotheses do not share.
namespace attest::property_tests {

struct Planted {
  std::string id;  ///< the hypothesis expected
  std::string case_name;
  Stage stage;
  std::function<Tensor(const harness::StageInputs&)> compute;
};

inline Planted attention(std::string id, std::string case_name, std::function<Tensor(const AttentionInputs&)> kernel) {
  return {std::move(id), std::move(case_name), Stage::attention,
          [kernel](const harness::StageInputs& in) { return kernel(std::get<AttentionInputs>(in)); }};
}

/// For GoogleTest's messages.
inline void PrintTo(const Planted& bug, std::ostream* out) { *out << bug.id << " in " << bug.case_name; }

inline Case recorded_case(const std::string& name) {
  return read_case(std::filesystem::path(ATTEST_FIXTURES) / (name + ".h5"));
}

inline harness::Explanation explanation_of(const Planted& bug, std::size_t step = 0) {
  const Case item = recorded_case(bug.case_name);
  const auto judged = harness::with_truths(item);
  const auto& stages = judged.steps[step].recorded->stages();
  const auto stage = std::ranges::find(stages, bug.stage, &harness::LocalisedStage::stage);
  const Tensor got = bug.compute(stage->inputs);
  const auto& truth = judged.steps[step].localised.at(bug.stage);
  EXPECT_FALSE(harness::compare(got, truth, got.dtype()).within) << "the planted bug changes nothing here";
  return harness::explain::explain_stage({bug.stage, got, truth, &stage->inputs, &item, step});
}

inline bool names(const harness::Explanation& explanation, const std::string& id) {
  return std::ranges::count(explanation.findings, id, &harness::Finding::id) > 0;
}

/// The first cause that is named; where none is, the first of the facts.
inline harness::Finding first_cause(const harness::Explanation& explanation) {
  const auto cause = std::ranges::find_if_not(explanation.findings, harness::explain::is_fact);
  if (cause != explanation.findings.end()) return *cause;
  return explanation.findings.empty() ? harness::Finding{} : explanation.findings.front();
}

/// Judges and explains one planted bug.
inline void expect_named(const Planted& bug) {
  const harness::Explanation explanation = explanation_of(bug);
  ASSERT_FALSE(explanation.findings.empty()) << bug.case_name;
  EXPECT_EQ(first_cause(explanation).id, bug.id) << bug.case_name << ": " << text_of(explanation);
  for (const auto& finding : explanation.findings) EXPECT_FALSE(finding.sentence.empty());
}

inline std::string name_of_test(const testing::TestParamInfo<Planted>& info) {
  return info.param.id + "_" + std::to_string(info.index);
}

}  // namespace attest::property_tests
