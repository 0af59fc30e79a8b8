#pragma once

#include <vector>

#include "harness/judge/case_truth.h"
#include "harness/verdict/judgement.h"

/// Judging what the case file holds, before any implementation is: a case whose own data disagree proves nothing.
namespace attest::harness {

/// The C++ float64 truth of every stage against the stored one, which NumPy computed: |a - b| <= 1e-12 max|row|, or
/// what two float64 results may differ by where digits cancel, or after a tie of bfloat16; and the classes are equal.
/// Two independent truths, or it is not one.
std::vector<Result> judge_stored_truth(const JudgedCase& judged);

/// torchtune's own recorded stages like any implementation's: localised, end to end, exact where the family is, and the
/// caches as exact copies of the recorded keys and values.
std::vector<Result> judge_torchtune(const JudgedCase& judged);

inline constexpr double kTruthAgreement = 1e-12;

}  // namespace attest::harness
