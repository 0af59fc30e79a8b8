#include "harness/judge/recorded_stages.h"

#include <string>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "harness/judge/head_layout.h"

namespace attest::harness {
namespace {

/// [b, s, n h_d] -> [b, s, n, h_d]
Tensor split_heads(const Tensor& projected, std::int64_t heads) {
  return reshaped(projected, {projected.dim(0), projected.dim(1), heads, projected.dim(2) / heads});
}

}  // namespace

RecordedStages::RecordedStages(const LayerSpec& layer, const Step& step) : layer_(layer), step_(step) {
  const Config& config = layer.config;
  add_projection(Stage::q_proj, step.inputs.x, config.q_proj, "q_proj");
  if (const Tensor* y = key_value_input(step.inputs)) {
    add_projection(Stage::k_proj, *y, config.k_proj, "k_proj");
    add_projection(Stage::v_proj, *y, config.v_proj, "v_proj");
    keys_ = add_head_stages(Stage::k_proj, Stage::k_rope, Stage::k_norm, config.num_kv_heads);
    if (const Tensor* v = recorded(Stage::v_proj)) {
      values_ = &keep(with_middle_axes_swapped(split_heads(*v, config.num_kv_heads)));
    }
  }
  if (const Tensor* q = add_head_stages(Stage::q_proj, Stage::q_rope, Stage::q_norm, config.num_heads))
    add_attention(*q);
  add_output();
}

const Tensor* RecordedStages::recorded(Stage stage) const {
  const auto found = step_.expected.find(stage);
  return found == step_.expected.end() ? nullptr : &found->second;
}

void RecordedStages::add_projection(Stage stage, const Tensor& x, const Projection& projection,
                                    std::string_view prefix) {
  const Tensor* expected = recorded(stage);
  if (expected == nullptr) return;
  const bool has_bias = std::visit([](const Linear& linear) { return linear.bias; }, projection);
  const Tensor& weight = layer_.weights.at(std::string(prefix) + ".weight");
  const Tensor* bias = has_bias ? &layer_.weights.at(std::string(prefix) + ".bias") : nullptr;
  stages_.push_back({stage, LinearInputs{x, weight, bias}, expected->shape()});
}

/// The stages between a projection and attention. Returns the heads as attention reads them, [b, n, s, h_d].
const Tensor* RecordedStages::add_head_stages(Stage projection, Stage rope, Stage norm, std::int64_t heads) {
  const Tensor* projected = recorded(projection);
  if (projected == nullptr) return nullptr;
  const Tensor* by_token = &keep(split_heads(*projected, heads));
  if (const Tensor* rotated = recorded(rope)) {
    const Tensor* positions = step_.inputs.input_pos ? &*step_.inputs.input_pos : nullptr;
    stages_.push_back(
        {rope, RotaryInputs{*by_token, layer_.config.pos_embeddings, *layer_.tables, positions}, rotated->shape()});
    by_token = rotated;
  }
  const Tensor* by_head = &keep(with_middle_axes_swapped(*by_token));
  if (const Tensor* normed = recorded(norm)) {
    const bool is_query = norm == Stage::q_norm;
    const Norm& kind = is_query ? layer_.config.q_norm : layer_.config.k_norm;
    const Tensor& scale = layer_.weights.at(is_query ? "q_norm.scale" : "k_norm.scale");
    stages_.push_back({norm, NormInputs{*by_head, kind, scale}, normed->shape()});
    by_head = normed;
  }
  return by_head;
}

void RecordedStages::add_attention(const Tensor& q) {
  const Tensor* expected = recorded(Stage::attention);
  const bool cached = enabled_cache(layer_.config) != nullptr;
  const Tensor* k = cached ? recorded(Stage::k_cache) : keys_;
  const Tensor* v = cached ? recorded(Stage::v_cache) : values_;
  if (expected == nullptr || k == nullptr || v == nullptr) return;
  const bool causal = attends_causally(layer_.config, step_.inputs);
  stages_.push_back({Stage::attention, AttentionInputs{q, *k, *v, step_.inputs.mask, causal}, expected->shape()});
}

void RecordedStages::add_output() {
  const Tensor* attention = recorded(Stage::attention);
  if (attention == nullptr) return;
  const Tensor by_token = with_middle_axes_swapped(*attention);
  const Tensor& joined =
      keep(reshaped(by_token, {by_token.dim(0), by_token.dim(1), by_token.dim(2) * by_token.dim(3)}));
  add_projection(Stage::output, joined, layer_.config.output_proj, "output_proj");
}

reference::StageTruth truth_of(const LocalisedStage& stage, const reference::LayerTruth& chain) {
  struct Truth {
    Stage stage;
    const reference::LayerTruth& chain;
    reference::StageTruth operator()(const LinearInputs& in) const { return chain.linear(stage, in.x); }
    reference::StageTruth operator()(const RotaryInputs& in) const { return reference::rotary_truth(in); }
    reference::StageTruth operator()(const NormInputs& in) const { return reference::norm_truth(in); }
    reference::StageTruth operator()(const AttentionInputs& in) const { return reference::attention_truth(in); }
  };
  return std::visit(Truth{stage.stage, chain}, stage.inputs);
}

Tensor computed_by(const Implementation& implementation, const StageInputs& inputs) {
  struct Compute {
    const Implementation& by;
    Tensor operator()(const LinearInputs& in) const { return by.linear(in); }
    Tensor operator()(const RotaryInputs& in) const { return by.rotary(in); }
    Tensor operator()(const NormInputs& in) const { return by.norm(in); }
    Tensor operator()(const AttentionInputs& in) const { return by.attention(in); }
  };
  return std::visit(Compute{implementation}, inputs);
}

}  // namespace attest::harness
