#pragma once

#include <memory>
#include <vector>

#include "harness/judge/implementation.h"

namespace attest::harness {

/// "reference", then "optimized" once for each usable target.
std::vector<std::unique_ptr<Implementation>> all_implementations();

}  // namespace attest::harness
