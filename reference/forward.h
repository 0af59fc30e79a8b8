#pragma once

#include <map>
#include <optional>

#include "reference/kv_cache.h"
#include "reference/layer.h"

namespace attest::reference {

/// Each stage's value before its own last rounding, in the shapes of fixtures/case.h. The caches hold values after it.
template <class T>
using StageArrays = std::map<Stage, Array<T>>;

/// torchtune.modules.MultiHeadAttention.forward, step by step. `cache` is the layer's cache if it is enabled; the call
/// has been validated. T = double with a bfloat16 layer still rounds to bfloat16 between the stages, where torchtune
/// does.
template <class T>
StageArrays<T> forward(const Layer<T>& layer, std::optional<KVCacheState<T>>& cache, const Inputs& inputs);

}  // namespace attest::reference
