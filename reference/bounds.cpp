#include "reference/bounds.h"

#include "reference/arrays.h"

namespace attest::reference {
namespace {

const Budget* budget_of(const Bounded& x) { return x.budget ? &*x.budget : nullptr; }

/// A change of layout, of the value and of its budget.
template <class Change>
Bounded laid_out(const Bounded& x, Change change) {
  return {change(x.value), Budget{change(x.budget->statistical), change(x.budget->worst_case)}};
}

void write_slots(Budget& slots, const Budget& budget, std::int64_t first_slot) {
  const auto end = first_slot + extent(budget.statistical, 2);
  xt::view(slots.statistical, xt::all(), xt::all(), xt::range(first_slot, end)) = budget.statistical;
  xt::view(slots.worst_case, xt::all(), xt::all(), xt::range(first_slot, end)) = budget.worst_case;
}

}  // namespace

CacheBudget empty_cache_budget(const KVCacheState<double>& cache) {
  const Array<double> floor = half_ulps(xt::zeros_like(cache.k_cache()), DType::float32);
  return {{floor, floor}, {floor, floor}};
}

Bounds::Bounds(const Layer<double>& layer, BoundedCache& cache, const Inputs& inputs, ScoreStorage scores)
    : storage_(layer.config.dtype), scores_(scores), cache_(cache), values_(layer, cache.values, inputs) {}

Bounded Bounds::keep(Stage stage, const Array<double>& y, Budget budget) {
  budgets_[stage] = budget;
  return {values_.keep(stage, y), std::move(budget)};
}

Bounded Bounds::linear(Stage stage, const Bounded& x) {
  const auto& parameters = values_.layer().projections.at(stage);
  const Array<double> y = reference::linear(x.value, parameters);
  return keep(stage, y, linear_budget(x.value, parameters, y, storage_, budget_of(x)));
}

Bounded Bounds::split_heads(const Bounded& x, std::int64_t n) const {
  return laid_out(x, [&](const Array<double>& values) { return reference::split_heads(values, n); });
}

Bounded Bounds::rotary(Stage stage, const Bounded& x) {
  const auto rotation = values_.rotation(x.value);
  const Array<double> y = reference::rotary(x.value, rotation);
  return keep(stage, y, rotary_budget(x.value, rotation, y, storage_, budget_of(x)));
}

Bounded Bounds::transpose_1_2(const Bounded& x) const { return laid_out(x, reference::transpose_1_2<double>); }

Bounded Bounds::norm(Stage stage, const Bounded& x) {
  const auto& parameters = values_.layer().norms.at(stage);
  const Array<double> y = rms_norm(x.value, parameters);
  return keep(stage, y, norm_budget(x.value, parameters, y, storage_, budget_of(x)));
}

void Bounds::update_cache(const Bounded& k, const Bounded& v) {
  const std::int64_t first_slot = cache_.values->filled();
  write_slots(cache_.budgets->k, *k.budget, first_slot);
  write_slots(cache_.budgets->v, *v.budget, first_slot);
  values_.update_cache(k.value, v.value);
}

/// The truth's cache holds *rounded* values, each half an ulp at most from the value that its budget is centred on.
/// Only the cache's own judgement needs that half; what reads the cache propagates the slot's budget as it would
/// without one.
Bounded Bounds::cache(Stage stage) {
  Array<double> stored = values_.cache(stage);
  const Budget& slots = stage == Stage::k_cache ? cache_.budgets->k : cache_.budgets->v;
  Budget judged = slots;
  if (storage_ != DType::float32) {
    const Array<double> halves = half_ulps(values().at(stage), storage_);
    judged.statistical += halves;
    judged.worst_case += halves;
  }
  budgets_[stage] = std::move(judged);
  return {std::move(stored), slots};
}

Bounded Bounds::attention(const Bounded& q, const Bounded& k, const Bounded& v) {
  const AttentionInputBudgets inputs{*q.budget, *k.budget, *v.budget};
  auto [y, budget, condition] =
      budgeted_attention(values_.attention_call(q.value, k.value, v.value), storage_, &inputs, scores_);
  condition_ = std::move(condition);
  return keep(Stage::attention, y, std::move(budget));
}

Bounded Bounds::join_heads(const Bounded& x) const { return laid_out(x, reference::join_heads<double>); }

}  // namespace attest::reference
