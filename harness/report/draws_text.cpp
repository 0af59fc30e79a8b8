#include "harness/report/draws_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/report/terminal_table.h"
#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

std::string tally_line(const DrawTally& tally, std::size_t width) {
  std::string line = fmt::format("  {:<{}}  {:>5} passed, {} failed, {} skipped", label_of(tally.judged), width,
                                 tally.passed, tally.failed, tally.skipped);
  if (tally.cannot_tell > 0) line += fmt::format(", {} could not tell", tally.cannot_tell);
  if (tally.not_asked > 0) line += fmt::format(", {} not asked after that", tally.not_asked);
  return line + fmt::format("; largest e {}\n", short_e(tally.e));
}

}  // namespace

std::string draws_text(const DrawRun& run) {
  std::string text =
      fmt::format("\ndraws: {} in {:.1f} s, --seed {}; {} more were drawn again, since no answer could have failed\n",
                  run.asked, run.seconds, run.seed, run.redrawn);
  std::size_t width = 0;
  for (const auto& tally : run.tallies) width = std::max(width, label_of(tally.judged).size());
  for (const auto& tally : run.tallies) text += tally_line(tally, width);
  return text;
}

std::string draws_failure_text(const DrawRun& run, const TerminalStyle& style) {
  std::string text;
  for (const DrawnFailure& failure : run.failures) {
    text += fmt::format("\n{} in a draw, {}: {}\n  again: {}\n", painted_status(failure.status, style),
                        label_of(failure.judged), failure.message, replay_command(failure.line));
  }
  return text;
}

}  // namespace attest::harness
