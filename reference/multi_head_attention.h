#pragma once

#include <memory>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"

/// The specification in code: torchtune's MultiHeadAttention in plain loops over plain formulas.
/// It will not do: intrinsics, blocking, fast-math, threads of its own, anything clever.
namespace attest::reference {

/// T = float: the readable implementation that is judged like any other; values are rounded to the layer's dtype where
/// torchtune's are. T = double: the same code without the float32 rounding, which the truth is made of.
template <class T>
class MultiHeadAttention {
 public:
  /// Throws InputError as torchtune's constructor would (fixtures/validate.h).
  explicit MultiHeadAttention(const LayerSpec& layer);
  ~MultiHeadAttention();

  /// Every stage of one call, in the layer's dtype. Throws InputError and leaves the cache as it was.
  Stages forward(const Inputs& inputs);
  void reset_cache();
  /// Appends to the cache what a call would have left there: keys and values [b, n_kv, s, h_d]. There must be room.
  void fill_cache(const Tensor& k, const Tensor& v);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Single stages on recorded inputs; the result has the dtype of x (of q).
Tensor linear(const LinearInputs& inputs);
Tensor rotary(const RotaryInputs& inputs);
Tensor norm(const NormInputs& inputs);
Tensor attention(const AttentionInputs& inputs);

}  // namespace attest::reference
