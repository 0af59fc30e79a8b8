#pragma once

#include <string>

#include "harness/coverage/run_coverage.h"
#include "harness/report/terminal_style.h"

/// The covering array in words.
namespace attest::harness {

/// What was covered and what came of it, in a few lines; every hole by its name.
std::string coverage_text(const CoverageRun& run);

/// The first failures of each implementation, with the line that meets them again.
std::string coverage_failure_text(const CoverageRun& run, const TerminalStyle& style);

/// What `attest replay` meets a draw's result again from.
std::string replay_line_of_draw(const Result& result);

}  // namespace attest::harness
