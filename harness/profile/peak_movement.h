#pragma once

#include <vector>

#include "harness/profile/profile.h"

/// Whether the machine kept still. Other guests, heat and power take from the peak that everything is compared with.
namespace attest::harness {

/// A limit that follows from a peak which moved by more than this is no limit.
inline constexpr double kMostPeakMovement = 0.1;
/// So often an item is timed until its peak keeps still.
inline constexpr int kMostAttempts = 3;

/// By how much of the smallest the largest differs; 0 for fewer than two.
double movement_of(const std::vector<double>& peaks);

/// How far the peak that limits this work moved: between the two halves of its repetitions, and from what the items
/// before it measured for as many threads.
double peak_movement(const ProfileResult& result, const std::vector<ProfileResult>& before);

}  // namespace attest::harness
