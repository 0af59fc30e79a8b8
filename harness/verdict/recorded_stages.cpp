#include "harness/verdict/recorded_stages.h"

#include <string>
#include <utility>

#include "fixtures/layer_program.h"
#include "fixtures/modules.h"
#include "fixtures/validate.h"
#include "harness/verdict/head_layout.h"
#include "harness/verdict/tensor_parts.h"

namespace attest::harness {

/// Reads a layer's program as what was recorded: each operation hands on torchtune's result, or null where there is
/// none, and notes the question of how it comes about.
class RecordedStages::Reader {
 public:
  using Value = const Tensor*;

  Reader(RecordedStages& to, const LayerSpec& layer, const Step& step) : to_(to), layer_(layer), step_(step) {}

  Value x() const { return &step_.inputs.x; }
  Value y() const { return key_value_input(step_.inputs); }

  Value linear(Stage stage, Value x) {
    const auto& [computes, name, projection] = module_of(kProjections, stage);
    const bool has_bias = std::visit([](const Linear& linear) { return linear.bias; }, layer_.config.*projection);
    const Tensor& weight = layer_.weights.at(std::string(name) + ".weight");
    const Tensor* bias = has_bias ? &layer_.weights.at(std::string(name) + ".bias") : nullptr;
    return x == nullptr ? nullptr : ask(stage, LinearInputs{*x, weight, bias});
  }

  Value split_heads(Value x, std::int64_t n) {
    return x == nullptr ? nullptr : keep(reshaped(*x, {x->dim(0), x->dim(1), n, x->dim(2) / n}));
  }

  Value rotary(Stage stage, Value x) {
    const Tensor* positions = step_.inputs.input_pos ? &*step_.inputs.input_pos : nullptr;
    if (x == nullptr) return nullptr;
    return ask(stage, RotaryInputs{*x, layer_.config.pos_embeddings, *layer_.tables, positions});
  }

  Value transpose_1_2(Value x) { return x == nullptr ? nullptr : keep(with_middle_axes_swapped(*x)); }

  Value norm(Stage stage, Value x) {
    const auto& [computes, name, norm] = module_of(kNorms, stage);
    if (x == nullptr) return nullptr;
    return ask(stage, NormInputs{*x, layer_.config.*norm, layer_.weights.at(std::string(name) + ".scale")});
  }

  void update_cache(Value k, Value v) {
    to_.keys_ = k;
    to_.values_ = v;
  }
  Value cache(Stage stage) const { return recorded(stage); }

  Value attention(Value q, Value k, Value v) {
    if (to_.selected_) q = &to_.selected_->q, k = &to_.selected_->k, v = &to_.selected_->v;
    if (q == nullptr || k == nullptr || v == nullptr) return recorded(Stage::attention);
    const Value attention = ask(Stage::attention, attention_inputs(layer_.config, step_.inputs, *q, *k, *v));
    if (attention != nullptr && step_.sampled) to_.stages_.back().tokens = step_.sampled->tokens;
    return attention;
  }

  Value join_heads(Value x) {
    if (x == nullptr) return nullptr;
    const Tensor by_token = step_.sampled ? *x : with_middle_axes_swapped(*x);  // [..., n_h, h_d]
    Shape shape(by_token.shape().begin(), by_token.shape().end() - 2);
    shape.push_back(layer_.config.num_heads * layer_.config.head_dim);
    return keep(reshaped(by_token, shape));
  }

 private:
  const Tensor* recorded(Stage stage) const {
    const auto found = step_.expected.find(stage);
    return found == step_.expected.end() ? nullptr : &found->second;
  }
  const Tensor* ask(Stage stage, const StageInputs& inputs) {
    const Tensor* expected = recorded(stage);
    if (expected != nullptr) to_.stages_.push_back({stage, inputs, expected->shape()});
    return expected;
  }
  const Tensor* keep(Tensor tensor) { return &to_.kept_.emplace_back(std::move(tensor)); }

  RecordedStages& to_;
  const LayerSpec& layer_;
  const Step& step_;
};

RecordedStages::RecordedStages(const LayerSpec& layer, const Step& step) {
  Reader reader(*this, layer, step);
  run_layer(reader, layer.config, step.inputs);
}

RecordedStages::RecordedStages(const LayerSpec& layer, const Step& step, SelectedHeads heads)
    : selected_(std::move(heads)) {
  Reader reader(*this, layer, step);
  run_layer(reader, layer.config, step.inputs);
}

reference::StageTruth truth_of(const LocalisedStage& stage, const reference::LayerTruth& chain) {
  struct Truth {
    const LocalisedStage& of;
    const reference::LayerTruth& chain;
    reference::StageTruth operator()(const LinearInputs& in) const { return chain.linear(of.stage, in.x); }
    reference::StageTruth operator()(const RotaryInputs& in) const { return reference::rotary_truth(in); }
    reference::StageTruth operator()(const NormInputs& in) const { return reference::norm_truth(in); }
    reference::StageTruth operator()(const AttentionInputs& in) const {
      return of.tokens.empty() ? reference::attention_truth(in, chain.scores())
                               : reference::attention_truth(in, of.tokens, chain.scores());
    }
  };
  return std::visit(Truth{stage, chain}, stage.inputs);
}

}  // namespace attest::harness
