#include "harness/case_truth.h"

namespace attest::harness {
namespace {

StepTruth step_truth(const LayerSpec& layer, const Step& step, reference::LayerTruth& chain) {
  StepTruth truth;
  truth.end_to_end = chain.forward(step.inputs);
  truth.recorded = std::make_unique<RecordedStages>(layer, step);
  for (const auto& stage : truth.recorded->stages()) truth.localised.emplace(stage.stage, truth_of(stage.inputs));
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
  JudgedCase judged{item, family_from_name(item.family), {}};
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
