#pragma once

#include <optional>

#include "harness/verdict/judgement.h"
#include "reference/truth.h"

namespace attest::harness {

/// T2: per row of the last axis, rms error of `ours` over rms error of `torchtunes`, against the same truth. Both
/// errors are floored at 2^-10 of the row's rms budget, so that a row in which the peer happens to be exact counts as a
/// finite ratio. Rows with a value that is not finite, or without a budget, are left out; nothing if none is left.
/// Advisory, never a gate: the peer changes with the torch version.
std::optional<PeerRatios> peer_ratios(const Tensor& ours, const Tensor& torchtunes, const reference::StageTruth& truth);

/// A median ratio above this is worth a warning.
inline constexpr double kPeerWarning = 4.0;

}  // namespace attest::harness
