#include "harness/report/terminal_report.h"

#include "harness/report/coverage_text.h"
#include "harness/report/draws_text.h"
#include "harness/report/terminal_summary.h"
#include "harness/report/terminal_table.h"

namespace attest::harness {
namespace {

std::string table_text(const ReportedRun& reported, const TerminalStyle& style, std::optional<std::size_t> columns,
                       Detail detail) {
  const Run& run = reported.run;
  std::vector<std::filesystem::path> files;
  for (const auto& outcome : run.cases) files.emplace_back(outcome.file);
  const TerminalTable table(run.judged, name_width(files), columns, style);
  std::string text = run.selected > 0 ? table.heading(reported.fingerprint, run.selected) : "";
  for (const auto& outcome : run.cases) {
    text += table.row(outcome);
    if (detail == Detail::verbose) text += table.details(outcome);
  }
  return text;
}

}  // namespace

std::string end_text(const Run& run, const Summary& summary, const TerminalStyle& style, Detail detail) {
  std::string text;
  if (detail != Detail::quiet) {
    text += failure_text(run, style);
    if (run.coverage) text += coverage_failure_text(*run.coverage, style);
    if (run.draws) text += draws_failure_text(*run.draws, style);
    if (run.selected > 0) text += summary_text(summary, style);
    if (run.coverage) text += coverage_text(*run.coverage);
    if (run.draws) text += draws_text(*run.draws);
    text += "\n";
  }
  return text + verdict_line(run, summary, style) + "\n";
}

std::string terminal_text(const ReportedRun& reported, const TerminalStyle& style, std::optional<std::size_t> columns,
                          Detail detail) {
  const std::string table = detail == Detail::quiet ? "" : table_text(reported, style, columns, detail);
  return table + end_text(reported.run, summarise(reported.run), style, detail);
}

}  // namespace attest::harness
