#pragma once

#include "fixtures/case.h"
#include "harness/profile/prepared_work.h"

/// Verdicts of calls that are too large to be judged as a whole.
namespace attest::harness {

struct LayerCall {
  const LayerSpec& layer;
  const Inputs& inputs;  ///< y is given, or x
  std::int64_t filled_before = 0;
};

/// The timed output must have the bits of a call that recorded its stages. Of these, every stage is then judged alone
/// on the sampled tokens of the last sample, with all their keys: projections, rotary embedding, norm, cache,
/// attention, output projection.
WorkVerdict judge_layer_work(const LayerCall& call, const Tensor& timed, const Stages& stages);

/// Causal attention: q and out [1, n_h, s, h_d], k and v [1, n_kv, s, h_d].
WorkVerdict judge_attention_work(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out);

}  // namespace attest::harness
