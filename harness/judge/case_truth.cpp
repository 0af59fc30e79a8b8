#include "harness/judge/case_truth.h"

#include "harness/judge/input_guard.h"
#include "harness/judge/sensitivity.h"

namespace attest::harness {
namespace {

/// q_proj, k_proj and v_proj read x and y themselves, so that their truth is the same alone and end to end.
bool reads_the_call(Stage stage) { return stage == Stage::q_proj || stage == Stage::k_proj || stage == Stage::v_proj; }

StepTruth step_truth(const LayerSpec& layer, const Step& step, reference::LayerTruth& chain) {
  StepTruth truth;
  truth.end_to_end = chain.forward(step.inputs);
  truth.recorded = std::make_unique<RecordedStages>(layer, step);
  for (const auto& stage : truth.recorded->stages()) {
    const bool known = reads_the_call(stage.stage);
    truth.localised.emplace(stage.stage, known ? truth.end_to_end.at(stage.stage) : truth_of(stage, chain));
  }
  for (const auto& stage : truth.recorded->stages()) {
    const auto* attention = std::get_if<AttentionInputs>(&stage.inputs);
    if (attention != nullptr) truth.sensitivity = sensitivity_of(*attention, truth.localised.at(stage.stage));
  }
  return truth;
}

}  // namespace

const RaisedError* constructor_error(const Case& item) {
  for (const auto& step : item.steps) {
    if (step.error && step.error->where == RaisedError::Where::constructor) return &*step.error;
  }
  return nullptr;
}

JudgedCase with_truths(const Case& item) {
  JudgedCase judged{item, family_from_name(item.family), {}, fingerprint_of_inputs(item)};
  judged.steps.resize(item.steps.size());
  if (constructor_error(item) != nullptr) return judged;
  reference::LayerTruth chain(item.layer);
  for (std::size_t i = 0; i < item.steps.size(); ++i) {
    const Step& step = item.steps[i];
    if (step.reset_cache) chain.reset_cache();
    if (!step.error) judged.steps[i] = step_truth(item.layer, step, chain);
  }
  return judged;
}

}  // namespace attest::harness
