#pragma once

#include <map>
#include <optional>

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

  Value x() const;
  Value y() const;
  Value linear(Stage stage, const Value& x);
  Value split_heads(const Value& x, std::int64_t n) const;
  Value rotary(Stage stage, const Value& x);
  Value transpose_1_2(const Value& x) const;
  Value norm(Stage stage, const Value& x);
  void update_cache(const Value& k, const Value& v);
  Value cache(Stage stage);
  Value attention(const Value& q, const Value& k, const Value& v);
  Value join_heads(const Value& x) const;

  const StageArrays<T>& stages() const { return stages_; }

  /// What the operations read, for whoever computes more of them than their values.
  const Layer<T>& layer() const { return layer_; }
  Rotation<T> rotation(const Value& x) const;
  AttentionCall<T> attention_call(const Value& q, const Value& k, const Value& v) const;
  /// Records a stage as computed and returns what the next one reads.
  Value keep(Stage stage, Value value);

 private:
  const Layer<T>& layer_;
  std::optional<KVCacheState<T>>& cache_;
  const Inputs& inputs_;
  StageArrays<T> stages_;
};

}  // namespace attest::reference
