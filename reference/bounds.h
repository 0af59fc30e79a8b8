#pragma once

#include <map>
#include <optional>

#include "reference/budget.h"
#include "reference/score_storage.h"
#include "reference/values.h"

namespace attest::reference {

/// Budgets of the slots of a cache.
struct CacheBudget {
  Budget k, v;  ///< [batch_size, n_kv, max_seq_len, h_d]
};

/// Budgets of a cache without filled slots: zero is exact.
CacheBudget empty_cache_budget(const KVCacheState<double>& cache);

/// A layer's cache in the truth, and how far a correct kernel's may be from it.
struct BoundedCache {
  std::optional<KVCacheState<double>> values;
  std::optional<CacheBudget> budgets;
};

/// What a stage hands on: its value as stored, and its budget; an input of the call is exact and has none.
struct Bounded {
  Array<double> value;
  std::optional<Budget> budget;
};

/// Reads a layer's program (fixtures/layer_program.h) as numbers and their end-to-end error budgets.
class Bounds {
 public:
  using Value = Bounded;

  /// Everything is borrowed; the call has been validated. `scores` is what the judged kernel keeps its scores in.
  Bounds(const Layer<double>& layer, BoundedCache& cache, const Inputs& inputs, ScoreStorage scores);

  Value x() const { return {values_.x(), std::nullopt}; }
  Value y() const { return {values_.y(), std::nullopt}; }
  Value linear(Stage stage, const Value& x);
  Value split_heads(const Value& x, std::int64_t n) const;
  Value rotary(Stage stage, const Value& x);
  Value transpose_1_2(const Value& x) const;
  Value norm(Stage stage, const Value& x);
  void update_cache(const Value& k, const Value& v);
  Value cache(Stage stage);
  Value attention(const Value& q, const Value& k, const Value& v);
  Value join_heads(const Value& x) const;

  const StageArrays<double>& values() const { return values_.stages(); }
  const std::map<Stage, Budget>& budgets() const { return budgets_; }
  const Array<double>& condition() const { return condition_; }  ///< of attention, [b, n_h, s_x]

 private:
  Value keep(Stage stage, const Array<double>& y, Budget budget);

  DType storage_;
  ScoreStorage scores_;
  BoundedCache& cache_;
  Values<double> values_;
  std::map<Stage, Budget> budgets_;
  Array<double> condition_;
};

}  // namespace attest::reference
