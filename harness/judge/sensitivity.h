#pragma once

#include <string>

#include "fixtures/stage_inputs.h"
#include "harness/verdict/comparator.h"
#include "harness/verdict/judgement.h"

/// A pass that could not have failed says nothing. What would the verdict have noticed?
namespace attest::harness {

/// Of an attention and its localised truth, on at most `kMostSensitivityRows` rows, evenly spread.
Sensitivity sensitivity_of(const AttentionInputs& inputs, const reference::StageTruth& truth);
inline constexpr std::int64_t kMostSensitivityRows = 96;

/// Why a comparison that passed is not to be trusted, or "". Every stage: an all-zero output would have passed. An
/// attention, whose sensitivity is then given: no mutation would have been noticed either.
std::string why_mistrusted(const Comparison& comparison, const Sensitivity* sensitivity);

}  // namespace attest::harness
