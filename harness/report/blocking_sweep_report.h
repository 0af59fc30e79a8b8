#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "harness/profile/blocking_sweep.h"

namespace attest::harness {

/// A table of several lines, no longer than 80 columns.
std::string sweep_text(const BlockingSweep& sweep);

/// An element of `blocking_sweeps` in the profile's document (docs/json_report.md).
nlohmann::ordered_json sweep_json(const BlockingSweep& sweep);

}  // namespace attest::harness
