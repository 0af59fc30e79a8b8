#pragma once

#include <functional>

#include "harness/judge/case_truth.h"
#include "harness/judge/implementation.h"
#include "harness/verdict/comparator.h"
#include "harness/verdict/judgement.h"

namespace attest::harness {

/// What is being judged: one stage of one step, by whom, and how.
struct Question {
  const JudgedCase& in;
  std::size_t step = 0;
  Mode mode = Mode::localised;
  Judged judged;

  /// An unanswered result about this stage (or other part) of the step.
  Result about(std::string_view what) const;
};

/// T0 and T1 of one stage in the layer's dtype, and T2 where torchtune's own output is given.
Result judge_stage(const Question& question, Stage stage, const Tensor& got, const reference::StageTruth& truth);

/// T3: bit-equality with the truth rounded to the dtype of `got`.
Result judge_exactly(const Question& question, Stage stage, const Tensor& got, const Tensor& expected);

/// A result that failed for a reason that is not a number.
Result failed(const Question& question, std::string_view what, const std::string& message);

/// The result of a call that was not answered.
Result unanswered(const Question& question, std::string_view what, const NoAnswer& none);

/// Runs `judge`; an exception becomes the result `about`, failed or what the missing answer says.
std::vector<Result> guarded(const Result& about, const std::function<std::vector<Result>()>& judge);

/// Runs `judge`; an exception becomes one failed result about `what`.
std::vector<Result> guarded(const Question& question, std::string_view what,
                            const std::function<std::vector<Result>()>& judge);

}  // namespace attest::harness
