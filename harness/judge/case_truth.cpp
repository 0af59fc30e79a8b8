#include "harness/judge/case_truth.h"

#include <algorithm>

#include "harness/judge/input_guard.h"
#include "harness/judge/sensitivity.h"

namespace attest::harness {
namespace {

/// q_proj, k_proj and v_proj read x and y themselves, so that their truth is the same alone and end to end.
bool reads_the_call(Stage stage) { return stage == Stage::q_proj || stage == Stage::k_proj || stage == Stage::v_proj; }

/// The truths of calls that are recorded as a whole.
class WholeTruths {
 public:
  WholeTruths(const LayerSpec& layer, reference::ScoreStorage scores) : layer_(layer), chain_(layer, scores) {}

  void reset_cache() { chain_.reset_cache(); }

  StepTruth of(const Step& step) {
    StepTruth truth;
    truth.end_to_end = chain_.forward(step.inputs);
    truth.recorded = std::make_unique<RecordedStages>(layer_, step);
    for (const auto& stage : truth.recorded->stages()) {
      const bool known = reads_the_call(stage.stage);
      truth.localised.emplace(stage.stage, known ? truth.end_to_end.at(stage.stage) : truth_of(stage, chain_));
    }
    for (const auto& stage : truth.recorded->stages()) {
      const auto* attention = std::get_if<AttentionInputs>(&stage.inputs);
      if (attention != nullptr) truth.sensitivity = sensitivity_of(*attention, truth.localised.at(stage.stage));
    }
    return truth;
  }

 private:
  const LayerSpec& layer_;
  reference::LayerTruth chain_;
};

LayerSpec without_cache(LayerSpec layer) {
  layer.config.kv_cache = NoKVCache{};
  return layer;
}

/// The truths of sampled calls. q, k and v are selected, which rounds nothing: they carry no budget into the attention,
/// which has the same truth alone and end to end.
class SampledTruths {
 public:
  SampledTruths(const LayerSpec& layer, reference::ScoreStorage scores)
      : layer_(layer), calls_(layer), projections_(without_cache(layer), scores) {}

  void reset_cache() { calls_.reset_cache(); }

  StepTruth of(const Step& step) {
    StepTruth truth;
    truth.recorded = std::make_unique<RecordedStages>(layer_, step, calls_.heads_of(step));
    for (const auto& stage : truth.recorded->stages()) {
      truth.localised.emplace(stage.stage, truth_of(stage, projections_));
    }
    const auto& attention = truth.localised.at(Stage::attention);
    truth.end_to_end.emplace(Stage::attention, attention);
    truth.end_to_end.emplace(Stage::output, projections_.output_after(attention));
    return truth;
  }

 private:
  const LayerSpec& layer_;
  SelectedCalls calls_;
  reference::LayerTruth projections_;  ///< whose own cache would stay empty
};

template <class Truths>
void add_truths(JudgedCase& judged, reference::ScoreStorage scores) {
  Truths truths(judged.item.layer, scores);
  for (const Step& step : judged.item.steps) {
    if (step.reset_cache) truths.reset_cache();
    judged.steps.push_back(step.error ? StepTruth{} : truths.of(step));
  }
}

}  // namespace

const RaisedError* constructor_error(const Case& item) {
  for (const auto& step : item.steps) {
    if (step.error && step.error->where == RaisedError::Where::constructor) return &*step.error;
  }
  return nullptr;
}

JudgedCase with_truths(const Case& item, reference::ScoreStorage scores) {
  JudgedCase judged{item, family_from_name(item.family), {}, fingerprint_of_inputs(item)};
  if (constructor_error(item) != nullptr) {
    judged.steps.resize(item.steps.size());
  } else if (std::ranges::any_of(item.steps, [](const Step& step) { return step.sampled.has_value(); })) {
    add_truths<SampledTruths>(judged, scores);
  } else {
    add_truths<WholeTruths>(judged, scores);
  }
  return judged;
}

}  // namespace attest::harness
