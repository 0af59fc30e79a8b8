#pragma once

#include "fixtures/stage_inputs.h"
#include "harness/draw/input_family.h"

/// The attention of a draw by itself: q, k and v as the family says them, without a layer that projects them.
namespace attest::harness {

/// AttentionInputs that owns its tensors.
struct AttentionCall {
  Tensor q, k, v;
  Mask mask;
  bool is_causal = false;
  std::optional<double> scale = {};
  std::optional<Tensor> keep = {};
  double dropout_p = 0.0;

  AttentionInputs inputs() const { return {q, k, v, mask, is_causal, scale, keep ? &*keep : nullptr, dropout_p}; }
};

/// Of a valid draw with `alone`.
AttentionCall drawn_attention(const CaseDraw& draw);

/// The numbers of a valid draw; random ones where its family says none.
SelectedInputs selected_inputs(const CaseDraw& draw, const Mask& mask);

/// [b, n, s, h_d], each value rounded once.
Tensor heads_tensor(DType dtype, const HeadValues& heads);

/// NaN and infinity in turn, in the keys and values [b, n_kv, s, h_d] that `mask` hides from every row of the sample.
void poison_hidden_keys(Tensor& k, Tensor& v, const CaseDraw& draw, const Mask& mask);

}  // namespace attest::harness
