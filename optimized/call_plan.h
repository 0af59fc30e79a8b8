#pragma once

#include <cstddef>

#include "fixtures/case.h"
#include "optimized/attention_plan.h"
#include "optimized/layer_cache.h"
#include "optimized/packed_layer.h"

namespace attest::optimized {

/// Where a call's intermediates begin in the one piece of memory that a layer keeps for them, in floats.
struct WorkspaceLayout {
  std::size_t queries = 0;      ///< [samples at once, s_x, n_h, h_d], where they are wider than the output
  std::size_t keys_values = 0;  ///< of a portion (KeyValuePanels), without a cache
  std::size_t scratch = 0;      ///< of the projections or of attention, whichever is at work
  std::size_t total = 0;
};

/// What a call of these shapes does. No value of a tensor is read for it, and nothing is allocated.
struct CallPlan {
  std::size_t samples, tokens;   ///< of x
  std::size_t added;             ///< tokens of y, which become keys and values; 0 without y
  bool y_is_x;                   ///< then one pass over its rows projects all
  bool queries_in_output;        ///< and in their place the attention's output: the last projection packs a block of
                                 ///< rows before it writes them
  std::size_t samples_at_once;   ///< whose keys, values and queries fit Blocking::key_value_bytes; at least one
  std::size_t kv_heads_at_once;  ///< of one sample, the same; at least the fewest that the projections can separate
  AttentionPlan attention;
  WorkspaceLayout workspace;
};

/// The inputs passed validate_call.
CallPlan plan_call(const PackedLayer& layer, const LayerCache& cache, const Inputs& inputs);

}  // namespace attest::optimized
