#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "optimized/resources.h"
#include "property_tests/optimized_inputs.h"
#include "property_tests/sample_layer.h"
#include "property_tests/share_of_budget.h"

/// Random layers for the tests of optimized/, and the judge of a call's recorded stages, each on the stage before it.
namespace attest {

struct LayerShape {
  std::int64_t b = 2, s_x = 5, n_h = 4, n_kv = 2, h_d = 6, d = 12;
  std::int64_t out_features = 10;
  bool bias = true;
  bool norm = false;
  NormOrder norm_order = NormOrder::after_pos_embeddings;
  int embedding = 1;  ///< index into PosEmbeddings
  std::int64_t positions = 40;
};

inline PosEmbeddings embedding_of(int index, std::int64_t dim, std::int64_t positions) {
  if (index == 1) return RotaryPositionalEmbeddings{dim, positions};
  if (index == 2) return Llama3ScaledRoPE{dim, positions};
  if (index == 3) return Phi3RotaryPositionalEmbeddings{dim, positions};
  if (index == 4) return Qwen2RotaryPositionalEmbeddings{dim, positions};
  return NoPosEmbeddings{};
}

inline LayerSpec random_layer(Random& random, const LayerShape& n) {
  LayerSpec layer = property_tests::sample_layer({.n_h = n.n_h,
                                                  .n_kv = n.n_kv,
                                                  .h_d = n.h_d,
                                                  .d = n.d,
                                                  .out_features = n.out_features,
                                                  .bias = n.bias,
                                                  .norm = n.norm,
                                                  .pos_embeddings = embedding_of(n.embedding, n.h_d, n.positions),
                                                  .seed = random()});
  layer.config.norm_order = n.norm_order;
  return layer;
}

/// Keys and values of so many bytes at a time.
inline optimized::Resources within(optimized::Target target, std::size_t key_value_bytes) {
  optimized::Blocking blocking = optimized::default_blocking(target);
  blocking.key_value_bytes = key_value_bytes;
  return {.threads = 0, .blocking = blocking};
}

/// [b, s, n, h_d] (or [b, s, n h_d]) as [b, n, s, h_d], or back with n and s exchanged.
inline Tensor transposed(const Tensor& t, std::int64_t b, std::int64_t s, std::int64_t n) {
  const std::int64_t h_d = t.size() / (b * s * n);
  Tensor out(DType::float32, {b, n, s, h_d});
  for (std::int64_t i = 0; i < b * s * n; ++i) {
    const std::int64_t head = i % n, token = i / n % s, sample = i / n / s;
    std::copy_n(t.as<float>().begin() + i * h_d, h_d,
                out.as<float>().begin() + ((sample * n + head) * s + token) * h_d);
  }
  return out;
}

inline Tensor reshaped(const Tensor& t, const Shape& shape) {
  Tensor out(DType::float32, shape);
  std::ranges::copy(t.as<float>(), out.as<float>().begin());
  return out;
}

/// Judges the stages that `forward` recorded; share() is the largest share of a budget that any stage used.
class StageJudge {
 public:
  StageJudge(const LayerSpec& layer, const Inputs& inputs, const Stages& stages)
      : layer_(layer), config_(layer.config), inputs_(inputs), stages_(stages) {}

  double share() {
    const Tensor q =
        heads("q", inputs_.x, config_.num_heads, Stage::q_proj, Stage::q_rope, Stage::q_norm, config_.q_norm);
    Tensor k, v;
    if (const Tensor* y = key_value_input(inputs_)) {
      k = heads("k", *y, config_.num_kv_heads, Stage::k_proj, Stage::k_rope, Stage::k_norm, config_.k_norm);
      judge_linear("v_proj", *y, Stage::v_proj);
      v = transposed(stages_.at(Stage::v_proj), y->dim(0), y->dim(1), config_.num_kv_heads);
    }
    if (enabled_cache(config_) != nullptr) {
      k = stages_.at(Stage::k_cache);
      v = stages_.at(Stage::v_cache);
    }
    const AttentionInputs attention = attention_inputs(config_, inputs_, q, k, v);
    note(property_tests::share_of_budget(stages_.at(Stage::attention), reference::attention_truth(attention)));
    const std::int64_t b = inputs_.x.dim(0), s = inputs_.x.dim(1), n = config_.num_heads;
    const Tensor joined = transposed(stages_.at(Stage::attention), b, n, s);
    judge_linear("output_proj", reshaped(joined, {b, s, n * config_.head_dim}), Stage::output);
    return share_;
  }

 private:
  void note(double e) { share_ = e <= share_ ? share_ : e; }

  void judge_linear(const std::string& name, const Tensor& x, Stage stage) {
    const auto bias = layer_.weights.find(name + ".bias");
    const LinearInputs in{x, layer_.weights.find(name + ".weight")->second,
                          bias == layer_.weights.end() ? nullptr : &bias->second};
    note(property_tests::share_of_budget(stages_.at(stage), reference::linear_truth(in)));
  }

  Tensor heads(const std::string& which, const Tensor& x, std::int64_t n, Stage projected, Stage rotated,
               Stage normalised, const Norm& norm) {
    judge_linear(which + "_proj", x, projected);
    const std::int64_t b = x.dim(0), s = x.dim(1), h_d = config_.head_dim;
    Tensor now = reshaped(stages_.at(projected), {b, s, n, h_d});
    const auto turn = [&] {
      if (!rotary_extent(config_.pos_embeddings)) return;
      const Tensor* input_pos = inputs_.input_pos ? &*inputs_.input_pos : nullptr;
      const RotaryInputs in{now, config_.pos_embeddings, *layer_.tables, input_pos};
      note(property_tests::share_of_budget(stages_.at(rotated), reference::rotary_truth(in)));
      now = stages_.at(rotated);
    };
    const auto normalise = [&] {
      if (std::holds_alternative<NoNorm>(norm)) return;
      const Tensor rows = transposed(now, b, s, n);
      const NormInputs in{rows, norm, layer_.weights.find(which + "_norm.scale")->second};
      note(property_tests::share_of_budget(stages_.at(normalised), reference::norm_truth(in)));
      now = transposed(stages_.at(normalised), b, n, s);
      now = reshaped(now, {b, s, n, h_d});
    };
    const bool norm_first = config_.norm_order == NormOrder::before_pos_embeddings;
    if (norm_first) normalise();
    turn();
    if (!norm_first) normalise();
    return transposed(now, b, s, n);
  }

  const LayerSpec& layer_;
  const Config& config_;
  const Inputs& inputs_;
  const Stages& stages_;
  double share_ = 0;
};

inline Tensor output_for(const LayerSpec& layer, const Inputs& inputs) {
  const auto columns = std::get<Linear>(layer.config.output_proj).out_features;
  return Tensor(DType::float32, {inputs.x.dim(0), inputs.x.dim(1), columns});
}

}  // namespace attest
