#include "harness/draw/judge_draw.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "harness/draw/draw_line.h"
#include "harness/draw/drawn_layer.h"
#include "harness/explain/explain.h"
#include "harness/judge/conditions.h"
#include "harness/judge/input_guard.h"
#include "harness/judge/judge_implementation.h"
#include "harness/judge/judge_stage.h"
#include "harness/verdict/tensor_parts.h"
#include "harness/verdict/unwritten.h"

namespace attest::harness {
namespace {

void append(std::vector<Result>& to, std::vector<Result> more) { std::ranges::move(more, std::back_inserter(to)); }

Result result_about(const DrawnProblem& problem, const Implementation& implementation, std::string stage) {
  Result result;
  result.case_name = to_line(problem.draw);
  result.stage = std::move(stage);
  result.mode = problem.attention ? Mode::localised : Mode::end_to_end;
  result.judged = implementation.identity();
  return result;
}

// --- the attention alone -------------------------------------------------------------------------------------------

/// What a mean of values may be larger than the largest, whatever was rounded on the way.
constexpr double kLargerThanAnyValue = 1.25;

/// Where an output that is judged on some tokens only cannot be right elsewhere; empty if it could be.
std::string impossible_element(const Tensor& got, double largest_value) {
  const std::vector<double> values = to_doubles(got);
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::fabs(values[i]) <= kLargerThanAnyValue * largest_value) continue;
    const auto flat = static_cast<std::int64_t>(i);
    const std::string where = to_string(unflatten(flat, got.shape()));
    if (is_unwritten(got, flat)) return where + " was never written";
    return fmt::format("{} is {:.6g}, and no value is larger than {:.6g}", where, values[i], largest_value);
  }
  return "";
}

/// The index in [b, n_h, s_x, h_d] of an element of [tokens, n_h, h_d].
Shape index_of(const Shape& in_rows, const std::vector<reference::TokenIndex>& tokens) {
  const auto& [sample, token] = tokens[static_cast<std::size_t>(in_rows[0])];
  return {sample, in_rows[1], token, in_rows[2]};
}

void set_verdict(Result& result, const AttentionProblem& problem, Comparison found) {
  result.comparison = std::move(found);
  Comparison& comparison = result.comparison;
  if (comparison.worst) comparison.worst->index = index_of(comparison.worst->index, problem.tokens);
  if (comparison.problem.empty() && comparison.judged == 0 && comparison.ill_conditioned_rows > 0) {
    result.status = Status::skipped;
    result.message = "every row is ill-conditioned with scores of 16 bits";
    return;
  }
  result.status = comparison.within ? Status::passed : Status::failed;
  if (!comparison.problem.empty()) result.message = comparison.problem;
  if (result.status == Status::failed && result.message.empty()) {
    result.message = comparison.never_written
                         ? "the element was never written"
                         : fmt::format("{} of {} elements of {} tokens are outside the error budget",
                                       comparison.outside, comparison.judged, problem.tokens.size());
  }
}

Explanation explanation_of(const AttentionProblem& problem, const Tensor& rows) {
  const StageInputs inputs = problem.call.inputs();
  return explain::explain_stage({Stage::attention, rows, problem.truth, &inputs, nullptr, 0, problem.tokens});
}

std::vector<Result> judge_output(const DrawnProblem& drawn, const Implementation& implementation, const Tensor& got,
                                 Explaining explaining) {
  const AttentionProblem& problem = *drawn.attention;
  const Family& family = family_from_name(drawn.draw.family);
  Result result = result_about(drawn, implementation, "attention");
  if (got.shape() != problem.call.q.shape() || got.dtype() != drawn.draw.dtype) {
    result.status = Status::failed;
    result.message = "another shape or dtype: " + to_string(got.shape());
    return {result};
  }
  const Tensor rows = rows_of_tokens(got, problem.tokens);
  set_verdict(result, problem, compare(rows, problem.truth, drawn.draw.dtype));
  if (family.structured_constant && result.status == Status::failed && result.comparison.within_worst_case) {
    result.status = Status::passed;
    result.marginal = true;
  }
  if (result.status == Status::passed) {
    result.message = impossible_element(got, problem.largest_value);
    if (!result.message.empty()) result.status = Status::failed;
  }
  if (result.status == Status::failed && explaining == Explaining::yes) {
    result.explanation = explanation_of(problem, rows);
  }
  if (result.status == Status::passed && !can_tell(drawn)) {
    // Scores of 16 bits may leave no budget that says anything: not the draw's fault.
    const bool declared = drawn.scores != reference::ScoreStorage::float32;
    result.status = declared ? Status::skipped : Status::vacuous;
    result.message = declared ? "scores of 16 bits say nothing here" : "an all-zero output would have passed";
  }
  std::vector<Result> results = {result};
  if (family.exact_attention) {
    Result exact = result_about(drawn, implementation, "attention");
    exact.mode = Mode::exact;
    set_verdict(exact, problem, compare_exactly(rows, problem.truth.value));
    results.push_back(exact);
  }
  return results;
}

std::vector<Result> judge_attention(const DrawnProblem& drawn, const Implementation& implementation,
                                    Explaining explaining) {
  const AttentionProblem& problem = *drawn.attention;
  const AttentionCall& before = drawn.attention_before ? *drawn.attention_before : problem.call;
  for (std::int64_t i = 0; i < drawn.draw.calls_before; ++i) implementation.attention(before.inputs());
  return judge_output(drawn, implementation, implementation.attention(problem.call.inputs()), explaining);
}

// --- the layer -----------------------------------------------------------------------------------------------------

std::unique_ptr<LayerUnderTest> begun_layer(const Implementation& implementation, const DrawnCalls& calls) {
  auto layer = implementation.layer(calls.item.layer);
  if (calls.filled) layer->fill_cache(calls.filled->k, calls.filled->v);
  return layer;
}

std::vector<Result> judge_layer(const DrawnProblem& drawn, const Implementation& implementation) {
  const LayerProblem& problem = *drawn.layer;
  const DrawnCalls& before = drawn.layer_before ? *drawn.layer_before : problem.calls;
  for (std::int64_t i = 0; i < drawn.draw.calls_before; ++i) {
    const auto layer = begun_layer(implementation, before);
    for (const Step& step : before.item.steps) layer->forward(step.inputs);
  }
  std::vector<Result> results;
  const auto layer = begun_layer(implementation, problem.calls);
  for (std::size_t i = 0; i < problem.calls.item.steps.size(); ++i) {
    const Question question{problem.judged, i, Mode::end_to_end, implementation.identity()};
    append(results, judge_call(question, *layer));
  }
  for (Result& result : results) result.case_name = to_line(drawn.draw);
  return results;
}

// --- any -----------------------------------------------------------------------------------------------------------

std::vector<Result> judge_answers(const DrawnProblem& problem, const Implementation& implementation,
                                  Explaining explaining) {
  return guarded(result_about(problem, implementation, problem.attention ? "attention" : "forward"), [&] {
    return problem.attention ? judge_attention(problem, implementation, explaining)
                             : judge_layer(problem, implementation);
  });
}

bool has_same_inputs(const DrawnProblem& problem) {
  if (problem.attention) return fingerprint_of(problem.attention->call) == problem.attention->inputs_fingerprint;
  return fingerprint_of_inputs(problem.layer->calls.item) == problem.layer->judged.inputs_fingerprint;
}

}  // namespace

std::vector<Result> judge_draw(const DrawnProblem& problem, const Implementation& implementation,
                               Explaining explaining) {
  if (const auto scores = implementation.score_storage(); scores != problem.scores) {
    return judge_draw(problem_of(problem.draw, scores), implementation, explaining);
  }
  const LayerSpec& layer = problem.layer ? problem.layer->calls.item.layer : drawn_layer(problem.draw);
  if (const std::string gap = implementation.gap(layer); !gap.empty()) {
    Result skipped = result_about(problem, implementation, "layer");
    skipped.status = Status::skipped;
    skipped.message = gap;
    return {skipped};
  }
  std::vector<Result> results =
      judged_in_all_conditions(implementation, [&] { return judge_answers(problem, implementation, explaining); });
  if (!has_same_inputs(problem)) {
    Result changed = result_about(problem, implementation, "inputs");
    changed.status = Status::failed;
    changed.message = "the implementation changed its inputs";
    results.push_back(changed);
  }
  return results;
}

}  // namespace attest::harness
