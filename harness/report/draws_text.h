#pragma once

#include <string>

#include "harness/report/terminal_style.h"
#include "harness/search/draw_run.h"

/// Random draws in words.
namespace attest::harness {

/// What was asked and what came of it, in a few lines.
std::string draws_text(const DrawRun& run);

/// Each failure, what it depends on, and the line that meets it again.
std::string draws_failure_text(const DrawRun& run, const TerminalStyle& style);

}  // namespace attest::harness
