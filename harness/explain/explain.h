#pragma once

#include "harness/explain/stage_failure.h"
#include "harness/verdict/judgement.h"

namespace attest::harness::explain {

/// Whether a finding only says what the values are (zeros, NaN, memory that was never written): always true, and no
/// cause.
bool is_fact(const Finding& finding);

/// Tests every hypothesis about the stage on a sample of rows. Empty if `got` has another shape than the truth.
Explanation explain_stage(const StageFailure& failure);

}  // namespace attest::harness::explain
