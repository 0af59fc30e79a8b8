#include "harness/judge/judge_implementation.h"

#include <algorithm>
#include <iterator>

#include "harness/explain/explain.h"
#include "harness/judge/conditions.h"
#include "harness/judge/input_guard.h"
#include "harness/judge/judge_error.h"
#include "harness/judge/judge_stage.h"
#include "harness/verdict/head_layout.h"
#include "harness/verdict/tensor_parts.h"

namespace attest::harness {

Tensor computed_by(const Implementation& implementation, const LocalisedStage& stage) {
  struct Compute {
    const Implementation& by;
    Tensor operator()(const LinearInputs& in) const { return by.linear(in); }
    Tensor operator()(const RotaryInputs& in) const { return by.rotary(in); }
    Tensor operator()(const NormInputs& in) const { return by.norm(in); }
    Tensor operator()(const AttentionInputs& in) const { return by.attention(in); }
  };
  Tensor computed = std::visit(Compute{implementation}, stage.inputs);
  return stage.tokens.empty() ? computed : rows_of_tokens(computed, stage.tokens);
}

namespace {

void append(std::vector<Result>& to, std::vector<Result> more) { std::ranges::move(more, std::back_inserter(to)); }

/// What a whole layer gets wrong is looked for where all its rows are known.
explain::StageFailure failure_of(const Question& question, Stage stage, const Tensor& got,
                                 const reference::StageTruth& truth, const StageInputs* inputs) {
  const auto& sampled = question.in.item.steps[question.step].sampled;
  if (sampled) return {stage, got, truth, inputs, nullptr, 0, sampled->tokens};
  return {stage, got, truth, inputs, &question.in.item, question.step};
}

/// What the call that failed printed, which often says why.
void add_printed(Result& result, const Implementation& implementation) {
  if (const std::string lines = implementation.printed(); !lines.empty()) result.message += ", last printed " + lines;
}

std::vector<Result> judge_localised_stage(Question question, const Implementation& implementation,
                                          const LocalisedStage& stage) {
  const auto& truth = question.in.steps[question.step].localised.at(stage.stage);
  const Tensor got = computed_by(implementation, stage);
  const bool wants_bits = stage.stage == Stage::attention && question.in.family.exact_attention;
  const bool same_size = got.size() == element_count(stage.shape);
  // A stage function may return another view of the same elements; their order is what counts.
  const Tensor viewed = same_size ? reshaped(got, stage.shape) : got;
  std::vector<Result> results = {judge_stage(question, stage.stage, viewed, truth)};
  if (results.front().status == Status::failed) {
    results.front().explanation =
        explain::explain_stage(failure_of(question, stage.stage, viewed, truth, &stage.inputs));
    add_printed(results.front(), implementation);
  }
  if (!wants_bits) return results;
  question.mode = Mode::exact;
  results.push_back(judge_exactly(question, stage.stage, got, truth.value));
  return results;
}

std::vector<Result> judge_all_localised(const JudgedCase& judged, const Implementation& implementation,
                                        const Judged& who) {
  std::vector<Result> results;
  for (std::size_t i = 0; i < judged.steps.size(); ++i) {
    if (!judged.steps[i].recorded) continue;
    const Question question{judged, i, Mode::localised, who};
    for (const auto& stage : judged.steps[i].recorded->stages()) {
      append(results, guarded(question, name_of(stage.stage),
                              [&] { return judge_localised_stage(question, implementation, stage); }));
    }
  }
  return results;
}

/// What torchtune recorded as the inputs of a stage, or null.
const StageInputs* inputs_of(const Question& question, Stage stage) {
  const auto& recorded = question.in.steps[question.step].recorded;
  if (!recorded) return nullptr;
  const auto& stages = recorded->stages();
  const auto found = std::ranges::find(stages, stage, &LocalisedStage::stage);
  return found == stages.end() ? nullptr : &found->inputs;
}

/// Of whole stages the rows that a sampled step is judged on.
Stages sampled_rows(const Stages& whole, std::span<const TokenIndex> tokens) {
  Stages rows;
  if (const auto found = whole.find(Stage::attention); found != whole.end()) {
    rows[Stage::attention] = rows_of_tokens(found->second, tokens);
  }
  if (const auto found = whole.find(Stage::output); found != whole.end()) {
    const Tensor& output = found->second;
    const Tensor rows_alone =
        rows_of_tokens(reshaped(output, {output.dim(0), 1, output.dim(1), output.dim(2)}), tokens);
    rows[Stage::output] = reshaped(rows_alone, {rows_alone.dim(0), rows_alone.dim(2)});
  }
  return rows;
}

}  // namespace

std::vector<Result> judge_call(const Question& question, LayerUnderTest& layer) {
  const Step& step = question.in.item.steps[question.step];
  Stages got = layer.forward(step.inputs);
  if (step.sampled) got = sampled_rows(got, step.sampled->tokens);
  std::vector<Result> results;
  for (const auto& [stage, truth] : question.in.steps[question.step].end_to_end) {
    const auto found = got.find(stage);
    if (found != got.end()) {
      results.push_back(judge_stage(question, stage, found->second, truth));
      // What follows the first stage that diverges diverges too: only the first one is worth an explanation.
      const bool is_first = std::ranges::count(results, Status::failed, &Result::status) == 1;
      if (is_first && results.back().status == Status::failed) {
        results.back().explanation =
            explain::explain_stage(failure_of(question, stage, found->second, truth, inputs_of(question, stage)));
      }
    } else if (stage == Stage::output) {
      results.push_back(question.about(name_of(stage)));
      results.back().message = "the layer returned no output";
    }
  }
  return results;
}

namespace {

std::vector<Result> judge_all_calls(const JudgedCase& judged, const Implementation& implementation, const Judged& who) {
  if (const RaisedError* error = constructor_error(judged.item)) {
    return {judge_error({judged, 0, Mode::error, who}, *error, [&] { implementation.layer(judged.item.layer); })};
  }
  std::vector<Result> results;
  const auto layer = implementation.layer(judged.item.layer);
  for (std::size_t i = 0; i < judged.item.steps.size(); ++i) {
    const Step& step = judged.item.steps[i];
    if (step.reset_cache) layer->reset_cache();
    if (step.error) {
      const Question question{judged, i, Mode::error, who};
      results.push_back(judge_error(question, *step.error, [&] { layer->forward(step.inputs); }));
    } else {
      const Question question{judged, i, Mode::end_to_end, who};
      append(results, guarded(question, "forward", [&] {
               std::vector<Result> of_call = judge_call(question, *layer);
               const auto failed = std::ranges::find(of_call, Status::failed, &Result::status);
               if (failed != of_call.end()) add_printed(*failed, implementation);
               return of_call;
             }));
    }
  }
  return results;
}

std::vector<Result> judge_answers(const JudgedCase& judged, const Implementation& implementation, const Judged& who) {
  std::vector<Result> results = judge_all_localised(judged, implementation, who);
  const Question about_layer{judged, 0, Mode::end_to_end, who};
  append(results, guarded(about_layer, "constructor", [&] { return judge_all_calls(judged, implementation, who); }));
  return results;
}

}  // namespace

std::vector<Result> judge_implementation(const JudgedCase& judged, const Implementation& implementation) {
  const Judged who = implementation.identity();
  const Question about_layer{judged, 0, Mode::end_to_end, who};
  if (const std::string gap = implementation.gap(judged.item.layer); !gap.empty()) {
    Result skipped = about_layer.about("layer");
    skipped.status = Status::skipped;
    skipped.gap = Gap::declared;
    skipped.message = gap;
    return {skipped};
  }
  std::vector<Result> results =
      judged_in_all_conditions(implementation, [&] { return judge_answers(judged, implementation, who); });
  if (fingerprint_of_inputs(judged.item) != judged.inputs_fingerprint) {
    results.push_back(failed(about_layer, "inputs", "the implementation changed its inputs"));
  }
  return results;
}

}  // namespace attest::harness
