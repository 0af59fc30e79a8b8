#pragma once

#include "harness/explain/hypothesis.h"
#include "harness/explain/stage_failure.h"

namespace attest::harness::explain {

/// Every wrong formula that is known for a stage of this kind, the likelier first. `failure`, whose inputs are given,
/// and `residual` must outlive the result.
Hypotheses formulas_of(const StageFailure& failure, const Residual& residual);

}  // namespace attest::harness::explain
