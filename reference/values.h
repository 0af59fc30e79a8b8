#pragma once

#include <map>
#include <optional>
#include <utility>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"
#include "reference/attention.h"
#include "reference/kv_cache.h"
#include "reference/layer.h"

namespace attest::reference {

/// Each stage's value before its own last rounding, in the shapes of fixtures/case.h. The caches hold values after it.
template <class T>
using StageArrays = std::map<Stage, Array<T>>;

/// Reads a layer's program (fixtures/layer_program.h) as numbers. A stage hands on its value as stored in the layer's
/// dtype: T = double with a bfloat16 layer still rounds to bfloat16 between the stages, where torchtune does.
template <class T>
class Values {
 public:
  using Value = Array<T>;

  /// Everything is borrowed; `cache` is the layer's cache if it is enabled. The call has been validated.
  Values(const Layer<T>& layer, std::optional<KVCacheState<T>>& cache, const Inputs& inputs)
      : layer_(layer), cache_(cache), inputs_(inputs) {}

  Value x() const { return to_array<T>(inputs_.x); }
  Value y() const { return to_array<T>(*key_value_input(inputs_)); }
  Value linear(Stage stage, const Value& x) { return keep(stage, reference::linear(x, layer_.projections.at(stage))); }
  Value split_heads(const Value& x, std::int64_t n) const { return reference::split_heads(x, n); }
  Value rotary(Stage stage, const Value& x) { return keep(stage, reference::rotary(x, rotation(x))); }
  Value transpose_1_2(const Value& x) const { return reference::transpose_1_2(x); }
  Value norm(Stage stage, const Value& x) { return keep(stage, rms_norm(x, layer_.norms.at(stage))); }
  void update_cache(const Value& k, const Value& v) { cache_->update(k, v); }
  Value cache(Stage stage) { return keep(stage, stage == Stage::k_cache ? cache_->k_cache() : cache_->v_cache()); }
  Value attention(const Value& q, const Value& k, const Value& v) {
    return keep(Stage::attention, reference::attention(attention_call(q, k, v)));
  }
  Value join_heads(const Value& x) const { return reference::join_heads(x); }

  const StageArrays<T>& stages() const { return stages_; }

  /// What the operations read, for whoever computes more of them than their values.
  const Layer<T>& layer() const { return layer_; }
  Rotation<T> rotation(const Value& x) const {
    const Tensor* input_pos = inputs_.input_pos ? &*inputs_.input_pos : nullptr;
    return rotation_at(*layer_.pos_embeddings, input_pos, extent(x, 0), extent(x, 1));
  }
  AttentionCall<T> attention_call(const Value& q, const Value& k, const Value& v) const {
    const Config& config = layer_.config;
    const MaskRows rows = all_rows(extent(q, 0), extent(q, 2));
    auto mask = attention_mask<T>(inputs_.mask, attends_causally(config, inputs_), rows, extent(k, 2));
    if (inputs_.keep) mask.kept = kept_weights<T>(*inputs_.keep, config.attn_dropout, rows);
    return {q, k, v, std::move(mask), score_scale(config.scale, extent(q, 3))};
  }

  /// Records a stage as computed and returns what the next one reads.
  Value keep(Stage stage, Value value) {
    Value stored = rounded_to(layer_.config.dtype, value);
    stages_[stage] = std::move(value);
    return stored;
  }

 private:
  const Layer<T>& layer_;
  std::optional<KVCacheState<T>>& cache_;
  const Inputs& inputs_;
  StageArrays<T> stages_;
};

}  // namespace attest::reference
