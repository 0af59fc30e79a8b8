#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"
#include "reference/score_storage.h"

/// The float64 truth and, with it, how far a correct kernel may be from it.
namespace attest::reference {

/// One stage's truth. All tensors are float64; value, budget and worst_case share the stage's shape.
struct StageTruth {
  Tensor value;       ///< y*, before the last rounding
  Tensor budget;      ///< B: a kernel passes where |y - y*| <= B (reference/error_budget.h has the derivation)
  Tensor worst_case;  ///< B with worst-case instead of statistical growth of rounding errors; >= budget
  /// Attention and output, end to end or with scores of 16 bits only: per row of the last axis, the largest propagated
  /// logit error on a key that matters. Above kIllConditionedLogit a row is judged on its localised stages only.
  /// Otherwise empty.
  Tensor condition;
};

/// Localised truth: one stage on the inputs that were recorded for it.
StageTruth linear_truth(const LinearInputs& inputs);
StageTruth rotary_truth(const RotaryInputs& inputs);
StageTruth norm_truth(const NormInputs& inputs);
StageTruth attention_truth(const AttentionInputs& inputs, ScoreStorage scores = ScoreStorage::float32);

using attest::TokenIndex;

/// attention_truth of these tokens alone, each with all its keys: value and budgets are [tokens, n_h, h_d].
StageTruth attention_truth(const AttentionInputs& inputs, std::span<const TokenIndex> tokens,
                           ScoreStorage scores = ScoreStorage::float32);

/// End-to-end truth of a layer, with its cache: the chain described in fixtures/README.md, its error budgets propagated
/// through the stages by root sum of squares.
class LayerTruth {
 public:
  explicit LayerTruth(const LayerSpec& layer, ScoreStorage scores = ScoreStorage::float32);
  ~LayerTruth();

  /// Throws InputError and leaves the cache as it was.
  std::map<Stage, StageTruth> forward(const Inputs& inputs);
  ScoreStorage scores() const;
  void reset_cache();
  /// Appends exact keys and values [b, n_kv, s, h_d] to the cache, as calls before would have. There must be room.
  void fill_cache(const Tensor& k, const Tensor& v);

  /// linear_truth of q_proj, k_proj, v_proj or output (the output projection) on a recorded input, without converting
  /// the weights again. In forward, q_proj, k_proj and v_proj read exact inputs: their localised truth is forward's
  /// own.
  StageTruth linear(Stage stage, const Tensor& input) const;

  /// End-to-end truth of `output`, [tokens, out_features], after an attention [tokens, n_h, h_d] of this truth.
  StageTruth output_after(const StageTruth& attention) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace attest::reference
