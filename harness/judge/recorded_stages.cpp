#include "harness/judge/recorded_stages.h"

#include <string>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "harness/judge/head_layout.h"
#include "harness/tensor_parts.h"

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

RecordedStages::RecordedStages(const LayerSpec& layer, const Step& step, SelectedHeads heads)
    : layer_(layer), step_(step) {
  const Tensor& q = keep(std::move(heads.q));
  const Tensor& k = keep(std::move(heads.k));
  add_attention(q, k, keep(std::move(heads.v)));
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
  const bool cached = enabled_cache(layer_.config) != nullptr;
  const Tensor* k = cached ? recorded(Stage::k_cache) : keys_;
  const Tensor* v = cached ? recorded(Stage::v_cache) : values_;
  if (k != nullptr && v != nullptr) add_attention(q, *k, *v);
}

void RecordedStages::add_attention(const Tensor& q, const Tensor& k, const Tensor& v) {
  const Tensor* expected = recorded(Stage::attention);
  if (expected == nullptr) return;
  const AttentionInputs inputs{q, k, v, step_.inputs.mask, attends_causally(layer_.config, step_.inputs)};
  stages_.push_back({Stage::attention, inputs, expected->shape()});
  if (step_.sampled) stages_.back().tokens = step_.sampled->tokens;
}

void RecordedStages::add_output() {
  const Tensor* attention = recorded(Stage::attention);
  if (attention == nullptr) return;
  const std::int64_t width = layer_.config.num_heads * layer_.config.head_dim;
  const Tensor by_token = step_.sampled ? *attention : with_middle_axes_swapped(*attention);  // [..., n_h, h_d]
  Shape shape(by_token.shape().begin(), by_token.shape().end() - 2);
  shape.push_back(width);
  const Tensor& joined = keep(reshaped(by_token, shape));
  add_projection(Stage::output, joined, layer_.config.output_proj, "output_proj");
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

}  // namespace attest::harness
