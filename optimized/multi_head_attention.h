#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"
#include "optimized/call_clock.h"
#include "optimized/resources.h"

/// torchtune's MultiHeadAttention, fast: float32, packed weights, tiled attention, one kernel source for every target.
namespace attest::optimized {

/// Why this layer cannot be computed here (a declared gap, e.g. bfloat16), or an empty string.
std::string gap(const LayerSpec& layer);

class MultiHeadAttention {
 public:
  /// Packs the weights once. Throws InputError as torchtune's constructor would, for a gap, for a target that is not
  /// usable here, or for resources that cannot be. A call without a cache holds keys and values of
  /// Blocking::key_value_bytes at a time (of one sample and the fewest heads it can separate, if those are more) and
  /// goes through its samples and heads in steps.
  MultiHeadAttention(const LayerSpec& layer, Target target, const Resources& resources = {});
  ~MultiHeadAttention();

  /// Writes the layer's output [b, s_x, out_features] to `output`, which has that shape and float32. If `stages` is
  /// given, the intermediates are written there too; if `times` is given, the parts of the call are timed. Throws
  /// InputError and leaves the cache and `output` as they were.
  void forward(const Inputs& inputs, Tensor& output, Stages* stages = nullptr, PartTimes* times = nullptr);
  void reset_cache();
  /// Appends to the cache what a call would have left there: keys and values [b, n_kv, s, h_d]. Throws InputError for
  /// another shape or where there is no room.
  void fill_cache(const Tensor& k, const Tensor& v);
  /// Empties the newest `tokens` slots of the cache, so that a call can be repeated. Throws InputError if fewer are
  /// filled.
  void rewind_cache(std::int64_t tokens);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Single stages on recorded inputs, through the same kernels.
Tensor linear(const LinearInputs& inputs, Target target, const Resources& resources = {});
Tensor rotary(const RotaryInputs& inputs, Target target);
Tensor norm(const NormInputs& inputs, Target target);
Tensor attention(const AttentionInputs& inputs, Target target, const Resources& resources = {});

}  // namespace attest::optimized
