#pragma once

#include "harness/verdict/recorded_stages.h"

namespace attest::harness::explain {

/// A stage that failed, and what it was computed from.
struct StageFailure {
  Stage stage;
  const Tensor& got;
  const reference::StageTruth& truth;
  const StageInputs* inputs = nullptr;  ///< null for a cache, or where no inputs were recorded
  const Case* item = nullptr;           ///< the case that it is a stage of
  std::size_t step = 0;
  /// Where not all tokens were judged, those that were, one after the other in `got` and `truth`.
  std::span<const TokenIndex> tokens = {};
};

}  // namespace attest::harness::explain
