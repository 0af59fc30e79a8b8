#pragma once

#include <string>
#include <vector>

#include "harness/laws/laws.h"
#include "harness/verdict/comparator.h"
#include "harness/verdict/tensor_parts.h"

/// What the laws are made of.
namespace attest::harness {

/// Gathers what was compared for one law.
class Findings {
 public:
  /// A case of a structured-constant family (fixtures/family.h) may use the worst-case bound.
  explicit Findings(const Case& item);

  /// Same shape and bits; -0 equals 0 and any NaN any NaN.
  void same_bits(const std::string& what, const Tensor& got, const Tensor& wanted);
  void within_budget(const std::string& what, const Tensor& got, const reference::StageTruth& truth);
  void failed(const std::string& message);

  LawVerdict verdict() const { return verdict_; }

 private:
  void note(const std::string& what, const Comparison& comparison, bool accepted);

  DType dtype_;
  bool may_be_marginal_;
  LawVerdict verdict_;
};

/// The draw without a dropout and with a boolean mask in place of blocks: what no law but the truth knows to change.
CaseDraw without_dropout_and_blocks(CaseDraw draw);

/// The draw as calls of a layer alone: no attention by itself, no cache that is filled without a call, no calls before.
CaseDraw of_calls(CaseDraw draw);

/// Calls a new layer with every step; what each returned.
std::vector<Stages> run_steps(const Implementation& implementation, const Case& item);

/// Every step's stages have the same bits.
void same_bits_of_steps(Findings& findings, const std::vector<Stages>& got, const std::vector<Stages>& wanted);

using StepTruths = std::vector<std::map<Stage, reference::StageTruth>>;
StepTruths end_to_end_truths(const Case& item, const Implementation& implementation);

/// The budgets of one truth around the value of another: what a bounded law asks, see laws.h.
reference::StageTruth with_value(const reference::StageTruth& budgets, const Tensor& value);

// The laws themselves, by what they speak about.
std::span<const Law> truth_laws();
std::span<const Law> attention_laws();  ///< the attention stage alone
std::span<const Law> layer_laws();      ///< a whole layer, called twice
std::span<const Law> sequence_laws();   ///< one sequence, cut in different ways

}  // namespace attest::harness
