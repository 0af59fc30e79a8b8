#pragma once

#include <cstdint>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"
#include "harness/isolation/prepared_call.h"

/// The contract's inputs in the words of the C interface: positions resolved, the causal rule decided.
namespace attest::harness {

PreparedCall prepared(const LinearInputs& inputs);
PreparedCall prepared(const RotaryInputs& inputs);
PreparedCall prepared(const NormInputs& inputs);
PreparedCall prepared(const AttentionInputs& inputs);

/// torchtune.modules.KVCache between the calls of a layer.
struct LibraryCache {
  Tensor k_cache, v_cache;  ///< [b, n_kv, slots, h_d]
  std::int64_t filled = 0;
};

/// The inputs passed validate_call. `cache` is null for a layer without an enabled one.
PreparedCall prepared(const LayerSpec& layer, const Inputs& inputs, const LibraryCache* cache);

}  // namespace attest::harness
