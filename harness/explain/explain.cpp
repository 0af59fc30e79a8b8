#include "harness/explain/explain.h"

#include <algorithm>
#include <iterator>

#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/layer_hypotheses.h"
#include "harness/explain/pattern_findings.h"
#include "harness/explain/region.h"
#include "harness/explain/stage_hypotheses.h"

namespace attest::harness::explain {
namespace {

/// A sample is as large as this many multiplications for one hypothesis allow, within reason.
constexpr double kMultiplications = 1 << 24;
constexpr double kFewestRows = 4, kMostRows = 96;

std::size_t rows_for(double multiplications_a_row) {
  return static_cast<std::size_t>(std::clamp(kMultiplications / multiplications_a_row, kFewestRows, kMostRows));
}

void append(std::vector<Finding>& to, std::vector<Finding> more) { std::ranges::move(more, std::back_inserter(to)); }

/// Tests the formulas that go with each kind of stage.
struct Formulas {
  const Residual& residual;

  std::vector<Finding> operator()(const LinearInputs& in) const {
    const auto rows = residual.sample(rows_for(static_cast<double>(in.weight.size())));
    return those_that_fit(linear_hypotheses(in, residual), residual, rows);
  }
  std::vector<Finding> operator()(const RotaryInputs& in) const {
    const auto rows = residual.sample(rows_for(1));
    std::vector<Finding> found = those_that_fit(rotary_hypotheses(in), residual, rows);
    return found.empty() ? angle_findings(in, residual, rows) : found;
  }
  std::vector<Finding> operator()(const NormInputs& in) const {
    return those_that_fit(norm_hypotheses(in), residual, residual.sample(rows_for(1)));
  }
  std::vector<Finding> operator()(const AttentionInputs& in) const {
    const AttentionModel right(in);
    const auto rows = residual.sample(rows_for(static_cast<double>(2 * right.keys() * right.head_dim())));
    std::vector<Finding> found = those_that_fit(mask_hypotheses(right, in.is_causal), residual, rows);
    append(found, those_that_fit(scale_hypotheses(right), residual, rows));
    append(found, overflow_findings(right, residual, rows));
    append(found, those_that_fit(softmax_hypotheses(right), residual, rows));
    append(found, those_that_fit(key_value_hypotheses(right), residual, rows));
    append(found, key_findings(right, residual, rows));
    return found.empty() ? fitted_scale_findings(right, residual, rows) : found;
  }
};

}  // namespace

Explanation explain_stage(const StageFailure& failure) {
  Explanation explanation;
  if (failure.got.shape() != failure.truth.value.shape() || failure.got.size() == 0) return explanation;
  const Residual residual(failure.stage, failure.got, failure.truth);
  if (residual.outside_rows().empty()) return explanation;
  if (failure.inputs != nullptr) explanation.findings = std::visit(Formulas{residual}, *failure.inputs);
  if (failure.item != nullptr) {
    append(explanation.findings, those_that_fit(layer_hypotheses(failure), residual, residual.sample(rows_for(1))));
  }
  append(explanation.findings, certain_patterns(failure.got, residual, residual.sample(rows_for(1))));
  if (explanation.findings.empty()) explanation.findings = vague_patterns(residual);
  explanation.pattern = pattern_text(residual);
  return explanation;
}

}  // namespace attest::harness::explain
