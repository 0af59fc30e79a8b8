#include "harness/explain/explain.h"

#include <algorithm>
#include <iterator>

#include "fixtures/overloaded.h"
#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/formulas.h"
#include "harness/explain/layer_hypotheses.h"
#include "harness/explain/pattern_findings.h"
#include "harness/explain/region.h"
#include "harness/explain/residual_map.h"
#include "harness/explain/stage_hypotheses.h"

namespace attest::harness::explain {
namespace {

/// A sample is as large as this many multiplications for one hypothesis allow, within reason.
constexpr double kMultiplications = 1 << 24;
constexpr double kFewestRows = 4, kMostRows = 96;

/// From how many budgets on constants are solved for.
constexpr double kFarEnough = 2.0;

std::size_t rows_for(double multiplications_a_row) {
  return static_cast<std::size_t>(std::clamp(kMultiplications / multiplications_a_row, kFewestRows, kMostRows));
}

template <class T>
void append(std::vector<T>& to, std::vector<T> more) {
  std::ranges::move(more, std::back_inserter(to));
}

double multiplications_a_row(const StageInputs& inputs) {
  return std::visit(
      overloaded{[](const LinearInputs& in) { return static_cast<double>(in.weight.size()); },
                 [](const RotaryInputs&) { return 1.0; }, [](const NormInputs&) { return 1.0; },
                 [](const AttentionInputs& in) { return static_cast<double>(2 * in.k.dim(2) * in.k.dim(3)); }},
      inputs);
}

/// A model holds the inputs in float64, and the mask of every row.
bool is_small_enough(const StageInputs& inputs) {
  constexpr std::int64_t kMostElements = 1 << 25;
  const auto* in = std::get_if<AttentionInputs>(&inputs);
  if (in == nullptr) return true;
  const auto* blocks = std::get_if<BlockMask>(&in->mask);
  const std::int64_t mask_heads = blocks == nullptr ? 1 : blocks->kv_num_blocks.dim(1);
  const std::int64_t kept = in->keep == nullptr ? 0 : in->keep->size();
  const std::int64_t mask = in->q.dim(0) * mask_heads * in->q.dim(2) * in->k.dim(2);
  return in->q.size() + in->k.size() + in->v.size() + mask + kept <= kMostElements;
}

/// Whether it says that rows are lost for the size of their logits.
bool is_about_size(const Fitting& one) {
  return one.finding.id == "mask_cut" || one.finding.id == "first_block_max" || one.finding.id.starts_with("max_");
}

bool holds_zeros_alone(const Residual& residual) {
  return std::ranges::all_of(residual.outside_rows(), [&](std::int64_t row) {
    return std::ranges::all_of(residual.got(row), [](double y) { return y == 0.0; });
  });
}

/// What is solved for instead of listed, beside the formulas that fit.
struct Searches {
  std::span<const TokenIndex> tokens;
  const Residual& residual;
  const std::vector<std::int64_t>& rows;
  std::vector<Fitting>& found;

  void operator()(const LinearInputs&) const {}
  void operator()(const RotaryInputs& in) const {
    if (found.empty()) append(found, angle_findings(in, residual, rows));
  }
  void operator()(const NormInputs&) const {}
  void operator()(const AttentionInputs& in) const {
    const AttentionModel right(in, tokens);
    append(found, overflow_findings(right, residual, rows));
    // Zeros are what any formula leaves that hides every key; that the rows of extreme logits are zero says more.
    if (holds_zeros_alone(residual)) std::ranges::stable_partition(found, is_about_size);
    append(found, key_findings(right, residual, rows));
    append(found, padding_findings(right, residual, rows));
    if (found.empty()) append(found, fitted_scale_findings(right, residual, rows));
  }
};

std::vector<Finding> findings_from(const StageFailure& failure, const Residual& residual) {
  std::vector<Fitting> found;
  if (failure.inputs != nullptr && is_small_enough(*failure.inputs)) {
    const auto rows = residual.sample(rows_for(multiplications_a_row(*failure.inputs)));
    found = those_that_fit(formulas_of(failure, residual), residual, rows);
    if (failure.item != nullptr) append(found, those_that_fit(layer_hypotheses(failure), residual, rows));
    // Near the limit a search finds what it looks for.
    if (residual.e() >= kFarEnough) std::visit(Searches{failure.tokens, residual, rows, found}, *failure.inputs);
  } else if (failure.item != nullptr) {
    found = those_that_fit(layer_hypotheses(failure), residual, residual.sample(rows_for(1)));
  }
  return best_of(found);
}

/// Memory that nobody wrote holds no trace of anything else.
bool is_unwritten(const Explanation& explanation) {
  return !explanation.findings.empty() && explanation.findings.front().id == "unwritten";
}

}  // namespace

bool is_fact(const Finding& finding) {
  return finding.id == "unwritten" || finding.id == "zero" || finding.id == "not_finite";
}

Explanation explain_stage(const StageFailure& failure) {
  Explanation explanation;
  if (failure.got.shape() != failure.truth.value.shape() || failure.got.size() == 0) return explanation;
  const Residual residual(failure.stage, failure.got, failure.truth, failure.tokens);
  if (residual.outside_rows().empty()) return explanation;
  explanation.findings = certain_facts(failure.got, residual);
  if (!is_unwritten(explanation)) append(explanation.findings, findings_from(failure, residual));
  if (explanation.findings.empty()) {
    explanation.findings = certain_patterns(residual, residual.sample(rows_for(1)));
  }
  if (explanation.findings.empty()) explanation.findings = vague_patterns(residual);
  explanation.pattern = pattern_text(residual);
  explanation.map = residual_map(residual);
  return explanation;
}

}  // namespace attest::harness::explain
