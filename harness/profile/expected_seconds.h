#pragma once

#include "harness/profile/profile.h"

namespace attest::harness {

/// About how long the work takes, from its exact counts and the peaks of an ordinary machine: good for the proportions
/// among several work items, from which the time left follows, and for nothing else.
double expected_seconds(const ProfileRequest& request);

}  // namespace attest::harness
