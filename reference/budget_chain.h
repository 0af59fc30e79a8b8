#pragma once

#include <map>
#include <optional>

#include "reference/budget.h"
#include "reference/forward.h"
#include "reference/score_storage.h"

namespace attest::reference {

/// Budgets of the slots of a cache.
struct CacheBudget {
  Budget k, v;  ///< [batch_size, n_kv, max_seq_len, h_d]
};

/// Budgets of a cache without filled slots: zero is exact.
CacheBudget empty_cache_budget(const KVCacheState<double>& cache);

struct LayerBudgets {
  std::map<Stage, Budget> stages;
  Array<double> attention_condition;  ///< [b, n_h, s_x]
  Array<double> output_condition;     ///< [b, s_x]: the largest of the token's heads
};

/// The end-to-end budgets of one forward, stage by stage in forward's order, from the values that it computed. `cache`
/// is the budget of the cache before the call, which took `first_slot` as its first new slot; it is updated.
LayerBudgets propagate(const Layer<double>& layer, const Inputs& inputs, const StageArrays<double>& values,
                       CacheBudget* cache, std::int64_t first_slot, ScoreStorage scores);

}  // namespace attest::reference
