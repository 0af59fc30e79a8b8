#pragma once

#include <vector>

#include "harness/implementation.h"
#include "harness/judge/case_truth.h"
#include "harness/judge/judgement.h"

namespace attest::harness {

/// Judges one implementation on one case: every stage localised, the whole layer end to end with its cache through all
/// steps, the errors that torchtune raised, and that no input was changed. A declared gap is one skipped result.
std::vector<Result> judge_implementation(const JudgedCase& judged, const Implementation& implementation);

}  // namespace attest::harness
