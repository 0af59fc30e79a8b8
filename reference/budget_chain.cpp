#include "reference/budget_chain.h"

#include <algorithm>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"
#include "reference/attention_budget.h"
#include "reference/linear_budget.h"
#include "reference/norm_budget.h"
#include "reference/rotary_budget.h"

namespace attest::reference {
namespace {

/// The stages of one call: what each computed, what the next one read of it, and the budgets found so far.
struct Chain {
  const Config& config;
  const Inputs& inputs;
  const StageArrays<double>& values;
  std::map<Stage, Budget> budgets;

  const Array<double>& computed(Stage stage) const { return values.at(stage); }
  Array<double> stored(Stage stage) const { return rounded_to(config.dtype, values.at(stage)); }
};

/// What a stage hands on: its stored value and its budget.
struct Link {
  Array<double> value;
  Budget budget;
};

Link project(Chain& chain, Stage stage, const Tensor& input, const LinearParameters<double>& parameters) {
  Budget budget =
      linear_budget(to_array<double>(input), parameters, chain.computed(stage), chain.config.dtype, nullptr);
  chain.budgets[stage] = budget;
  return {chain.stored(stage), std::move(budget)};
}

Link split_heads(const Link& link, const std::vector<std::int64_t>& shape) {
  return {view_as(link.value, shape), view_as(link.budget, shape)};
}

Link rotate(Chain& chain, Stage stage, const Link& x, const RotaryEmbedding<double>& embedding) {
  const auto b = static_cast<std::int64_t>(x.value.shape(0)), s = static_cast<std::int64_t>(x.value.shape(1));
  const auto rotation = rotation_at(embedding, chain.inputs.input_pos ? &*chain.inputs.input_pos : nullptr, b, s);
  Budget budget = rotary_budget(x.value, rotation, chain.computed(stage), chain.config.dtype, &x.budget);
  chain.budgets[stage] = budget;
  return {chain.stored(stage), std::move(budget)};
}

Link transpose_1_2(const Link& link) {
  return {reference::transpose_1_2(link.value), reference::transpose_1_2(link.budget)};
}

Link normalise(Chain& chain, Stage stage, const Link& x, const RMSNormParameters<double>& parameters) {
  Budget budget = norm_budget(x.value, parameters, chain.computed(stage), chain.config.dtype, &x.budget);
  chain.budgets[stage] = budget;
  return {chain.stored(stage), std::move(budget)};
}

void write_slots(Budget& slots, const Budget& budget, std::int64_t first_slot) {
  const auto end = first_slot + static_cast<std::int64_t>(budget.statistical.shape(2));
  xt::view(slots.statistical, xt::all(), xt::all(), xt::range(first_slot, end)) = budget.statistical;
  xt::view(slots.worst_case, xt::all(), xt::all(), xt::range(first_slot, end)) = budget.worst_case;
}

/// The truth's cache holds *rounded* values, each half an ulp at most from the value that its budget is centred on.
/// Only the cache's own judgement needs that half; what reads the cache propagates the slot's budget as it would
/// without one.
Link read_cache(Chain& chain, Stage stage, const Budget& slots) {
  Budget budget = slots;
  if (chain.config.dtype == DType::bfloat16) {
    const Array<double> halves = half_ulps(chain.computed(stage), chain.config.dtype);
    budget.statistical += halves;
    budget.worst_case += halves;
  }
  chain.budgets[stage] = std::move(budget);
  return {chain.stored(stage), slots};
}

/// [b, n_h, s_x] to [b, s_x]: a token's output reads all its heads.
Array<double> worst_head(const Array<double>& condition) {
  Array<double> worst = xt::zeros<double>({condition.shape(0), condition.shape(2)});
  for (std::size_t b = 0; b < condition.shape(0); ++b) {
    for (std::size_t h = 0; h < condition.shape(1); ++h) {
      for (std::size_t i = 0; i < condition.shape(2); ++i) worst(b, i) = std::max(worst(b, i), condition(b, h, i));
    }
  }
  return worst;
}

}  // namespace

CacheBudget empty_cache_budget(const KVCacheState<double>& cache) {
  const Array<double> floor = half_ulps(xt::zeros_like(cache.k_cache()), DType::float32);
  return {{floor, floor}, {floor, floor}};
}

LayerBudgets propagate(const Layer<double>& layer, const Inputs& inputs, const StageArrays<double>& values,
                       CacheBudget* cache, std::int64_t first_slot, ScoreStorage scores) {
  const Config& config = layer.config;
  const std::int64_t b = inputs.x.dim(0), s_x = inputs.x.dim(1), h_d = config.head_dim;
  Chain chain{config, inputs, values, {}};

  Link q = split_heads(project(chain, Stage::q_proj, inputs.x, layer.q_proj), {b, s_x, config.num_heads, h_d});
  if (layer.pos_embeddings) q = rotate(chain, Stage::q_rope, q, *layer.pos_embeddings);
  q = transpose_1_2(q);
  if (layer.q_norm) q = normalise(chain, Stage::q_norm, q, *layer.q_norm);

  Link k, v;
  if (const Tensor* y = key_value_input(inputs)) {
    const std::vector<std::int64_t> heads = {b, y->dim(1), config.num_kv_heads, h_d};
    k = split_heads(project(chain, Stage::k_proj, *y, layer.k_proj), heads);
    v = split_heads(project(chain, Stage::v_proj, *y, layer.v_proj), heads);
    if (layer.pos_embeddings) k = rotate(chain, Stage::k_rope, k, *layer.pos_embeddings);
    k = transpose_1_2(k);
    v = transpose_1_2(v);
    if (layer.k_norm) k = normalise(chain, Stage::k_norm, k, *layer.k_norm);
    if (cache != nullptr) {
      write_slots(cache->k, k.budget, first_slot);
      write_slots(cache->v, v.budget, first_slot);
    }
  }
  if (cache != nullptr) {
    k = read_cache(chain, Stage::k_cache, cache->k);
    v = read_cache(chain, Stage::v_cache, cache->v);
  }

  const auto s_k = static_cast<std::int64_t>(k.value.shape(2));
  const auto mask = attention_mask<double>(inputs.mask, attends_causally(config, inputs), b, s_x, s_k);
  const AttentionCall call{q.value, k.value, v.value, mask, chain.computed(Stage::attention), config.dtype, scores};
  BudgetedAttention attention = attention_budget(call, {q.budget, k.budget, v.budget});

  const std::vector<std::int64_t> tokens = {b, s_x, config.num_heads * h_d};
  const Array<double> joined = view_as(transpose_1_2(chain.stored(Stage::attention)), tokens);
  const Budget joined_budget = view_as(transpose_1_2(attention.budget), tokens);
  chain.budgets[Stage::output] =
      linear_budget(joined, layer.output_proj, chain.computed(Stage::output), config.dtype, &joined_budget);
  chain.budgets[Stage::attention] = std::move(attention.budget);
  return {std::move(chain.budgets), attention.condition, worst_head(attention.condition)};
}

}  // namespace attest::reference
