#pragma once

#include "harness/judgement.h"
#include "harness/recorded_stages.h"

namespace attest::harness::explain {

/// A stage that failed, and what it was computed from.
struct StageFailure {
  Stage stage;
  const Tensor& got;
  const reference::StageTruth& truth;
  const StageInputs* inputs = nullptr;  ///< null for a cache, or where no inputs were recorded
};

/// Tests every hypothesis about the stage on a sample of rows. Empty if `got` has another shape than the truth.
Explanation explain_stage(const StageFailure& failure);

}  // namespace attest::harness::explain
