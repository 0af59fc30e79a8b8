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

/// q, k and v are selected, which rounds nothing: they carry no budget into the attention, which has the same truth alone
/// and end to end.
StepTruth sampled_truth(const LayerSpec& layer, const Step& step, const reference::LayerTruth& chain,
                        SelectedHeads heads) {
  StepTruth truth;
  truth.recorded = std::make_unique<RecordedStages>(layer, step, std::move(heads));
  for (const auto& stage : truth.recorded->stages()) truth.localised.emplace(stage.stage, truth_of(stage, chain));
  const auto& attention = truth.localised.at(Stage::attention);
  truth.end_to_end.emplace(Stage::attention, attention);
  truth.end_to_end.emplace(Stage::output, chain.output_after(attention));
  return truth;
}

/// The truths of one step after the other. A case is sampled in all its calls or in none.
class Walk {
 public:
  explicit Walk(const LayerSpec& layer) : layer_(layer), chain_(layer), selected_(layer) {}

  StepTruth truth_of(const Step& step) {
    return step.sampled ? sampled_truth(layer_, step, chain_, selected_.heads_of(step))
                        : step_truth(layer_, step, chain_);
  }
  void reset_cache() {
    chain_.reset_cache();
    selected_.reset_cache();
  }

 private:
  const LayerSpec& layer_;
  reference::LayerTruth chain_;
  SelectedCalls selected_;
};

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
  Walk walk(item.layer);
  for (std::size_t i = 0; i < item.steps.size(); ++i) {
    const Step& step = item.steps[i];
    if (step.reset_cache) walk.reset_cache();
    if (!step.error) judged.steps[i] = walk.truth_of(step);
  }
  return judged;
}

}  // namespace attest::harness
