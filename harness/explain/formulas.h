#pragma once

#include "harness/explain/hypothesis.h"
#include "harness/judge/recorded_stages.h"

namespace attest::harness::explain {

/// Every wrong formula that is known for a stage of this kind, the likelier first. `inputs` and `residual` must outlive
/// the result.
Hypotheses formulas_of(const StageInputs& inputs, const Residual& residual);

}  // namespace attest::harness::explain
