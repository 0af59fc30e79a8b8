#pragma once

#include <string>

#include "harness/judgement.h"

namespace attest::harness {

/// The command line that judges this case file by this implementation again.
std::string replay_command(const std::string& file, const Judged& judged);

}  // namespace attest::harness
