#pragma once

#include <string>

#include "harness/report/summary.h"
#include "harness/report/terminal_style.h"

/// What follows the table: every failure spelled out, then the run in a few numbers, then one line that says all.
namespace attest::harness {

/// The worst element of a failed result, on a line; empty where there is none.
std::string worst_text(const Result& result);

/// For each case and implementation that is not fine: the first stage that diverges, its worst element, and the command
/// that judges it again. Long lists end with a count.
std::string failure_text(const Run& run, const TerminalStyle& style);

std::string summary_text(const Summary& summary, const TerminalStyle& style);

/// "passed: 104 of 104 cases judged, ..." without a newline.
std::string verdict_line(const Run& run, const Summary& summary, const TerminalStyle& style);

}  // namespace attest::harness
