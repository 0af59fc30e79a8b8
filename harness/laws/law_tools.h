#pragma once

#include <string>
#include <vector>

#include "harness/judge/comparator.h"
#include "harness/laws/laws.h"

/// What the laws are made of.
namespace attest::harness {

/// Gathers what was compared for one law.
class Findings {
 public:
  /// `family` as in fixtures/family.h: one of identical terms may use the worst-case bound.
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

/// Calls a new layer with every step; what each returned.
std::vector<Stages> run_steps(const Implementation& implementation, const Case& item);

/// Every step's stages have the same bits.
void same_bits_of_steps(Findings& findings, const std::vector<Stages>& got, const std::vector<Stages>& wanted);

using StepTruths = std::vector<std::map<Stage, reference::StageTruth>>;
StepTruths end_to_end_truths(const Case& item);

/// Elements [first, first + count) of an axis.
Tensor slice(const Tensor& tensor, std::size_t axis, std::int64_t first, std::int64_t count);
/// Tensors joined along an axis.
Tensor joined(const std::vector<Tensor>& parts, std::size_t axis);
/// The given entries of an axis, in that order; an entry may occur more than once.
Tensor picked(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& entries);

/// `truth` of these tokens (axis 1 of the output) with the values of another truth: see laws.h.
reference::StageTruth with_value(const reference::StageTruth& budgets, const Tensor& value);

// The laws themselves, by what they speak about.
std::span<const Law> truth_laws();
std::span<const Law> attention_laws();  ///< the attention stage alone
std::span<const Law> layer_laws();      ///< a whole layer, called twice
std::span<const Law> sequence_laws();   ///< one sequence, cut in different ways

}  // namespace attest::harness
