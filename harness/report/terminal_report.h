#pragma once

#include <optional>
#include <string>

#include "harness/report/json_report.h"
#include "harness/report/terminal_style.h"

/// A whole run of `attest verify` on the terminal.
namespace attest::harness {

enum class Detail { quiet, table, verbose };

/// What follows the table: every failure, the numbers and the verdict; the verdict alone if quiet.
std::string end_text(const Run& run, const Summary& summary, const TerminalStyle& style, Detail detail);

/// All of it, as it was shown while the run went on. `columns`: of a line; nothing: as many as it needs.
std::string terminal_text(const ReportedRun& reported, const TerminalStyle& style, std::optional<std::size_t> columns,
                          Detail detail);

}  // namespace attest::harness
