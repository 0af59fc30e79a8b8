#pragma once

#include <deque>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"
#include "harness/verdict/selected_heads.h"
#include "reference/truth.h"

/// Localised judging: every stage is fed with what torchtune recorded before it, so that errors do not compound and the
/// first diverging stage is named.
namespace attest::harness {

using StageInputs = std::variant<LinearInputs, RotaryInputs, NormInputs, AttentionInputs>;

struct LocalisedStage {
  Stage stage;
  StageInputs inputs;                       ///< borrowed from the case and from the RecordedStages that made this
  Shape shape;                              ///< of the recorded stage
  std::span<const TokenIndex> tokens = {};  ///< of an attention of which only these rows are recorded
};

/// The localised stages of one step that returned, in torchtune's order. The caches are no stage here: they are copies.
class RecordedStages {
 public:
  /// `layer` and `step` must outlive this.
  RecordedStages(const LayerSpec& layer, const Step& step);
  /// Of a sampled step: the rows of attention and output.
  RecordedStages(const LayerSpec& layer, const Step& step, SelectedHeads heads);

  const std::vector<LocalisedStage>& stages() const { return stages_; }

  /// What the step wrote to an enabled cache, [b, n_kv, s_y, h_d]: keys after rotary embedding and norm, and values.
  /// Null where the call wrote none.
  const Tensor* keys() const { return keys_; }
  const Tensor* values() const { return values_; }

 private:
  class Reader;

  std::optional<SelectedHeads> selected_;
  std::deque<Tensor> kept_;  ///< re-laid copies that the inputs borrow; a deque never moves them
  std::vector<LocalisedStage> stages_;
  const Tensor* keys_ = nullptr;
  const Tensor* values_ = nullptr;
};

/// The truth of one stage on its recorded inputs. `chain` is the truth of the same layer: it has converted the weights.
reference::StageTruth truth_of(const LocalisedStage& stage, const reference::LayerTruth& chain);

}  // namespace attest::harness
