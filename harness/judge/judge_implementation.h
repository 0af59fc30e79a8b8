#pragma once

#include <vector>

#include "harness/judge/implementation.h"
#include "harness/judge/judge_stage.h"

namespace attest::harness {

/// Judges one implementation on one case: every stage localised, the whole layer end to end with its cache through all
/// steps, the errors that torchtune raised, and that no input was changed. A declared gap is one skipped result.
std::vector<Result> judge_implementation(const JudgedCase& judged, const Implementation& implementation);

/// An implementation's answer to what torchtune recorded; of a sampled attention, which is asked for as a whole, the
/// rows.
Tensor computed_by(const Implementation& implementation, const LocalisedStage& stage);

/// What `layer` computes in one call: each stage that it gives, end to end.
std::vector<Result> judge_call(const Question& question, LayerUnderTest& layer);

/// Of two results about the same thing, the worse one.
void keep_worse(std::vector<Result>& results, std::vector<Result> others);

}  // namespace attest::harness
