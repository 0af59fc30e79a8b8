#include "harness/report/coverage_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "harness/report/terminal_summary.h"
#include "harness/report/terminal_table.h"
#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

constexpr std::size_t kMostHolesShown = 10;
constexpr std::int64_t kMostFailuresShown = 5;  ///< of each implementation

std::string describe(const Result& result, const TerminalStyle& style) {
  std::string text = fmt::format("\n{} in the covering array, {}, {}: {}\n", painted_status(result.status, style),
                                 result.stage, label_of(result.judged), result.message);
  text += worst_text(result);
  if (const std::string why = text_of(result.explanation); !why.empty()) text += "  " + why + "\n";
  return text + "  again: " + replay_command(replay_line_of_draw(result)) + "\n";
}

std::string holes_text(const Coverage& coverage) {
  std::string text;
  for (std::size_t i = 0; i < std::min(coverage.holes.size(), kMostHolesShown); ++i) {
    text += fmt::format("  hole: {}\n", coverage.holes[i].what);
  }
  if (coverage.holes.size() > kMostHolesShown) {
    text += fmt::format("  ... and {} more holes\n", coverage.holes.size() - kMostHolesShown);
  }
  return text;
}

std::string tally_line(const CoverageTally& tally, std::size_t width) {
  return fmt::format("  {:<{}}  {:>5} passed, {} failed, {} skipped; largest e {}\n", label_of(tally.judged), width,
                     tally.passed, tally.failed, tally.skipped, short_e(tally.e));
}

}  // namespace

std::string replay_line_of_draw(const Result& result) {
  return fmt::format("law=truth implementation={} {}", in_line(label_of(result.judged)), result.case_name);
}

std::string coverage_text(const CoverageRun& run) {
  const Coverage& coverage = run.coverage;
  const auto of = [&](Combination::Kind kind) {
    return fmt::format("{} of {}", coverage.of(kind).covered, coverage.of(kind).possible);
  };
  using enum Combination::Kind;
  std::string text = fmt::format(
      "\ncovering array: {} of {} draws in {:.1f} s; {} pairs of {} dimensions, {} triples of mask, size and regime, "
      "{} of "
      "mask, keys and dtype\n  {} combinations left out with a reason, {} holes\n",
      run.rows, run.selected, run.seconds, of(pair), kDimensions, of(regime_triple), of(dtype_triple),
      coverage.left_out.size(), coverage.holes.size());
  std::size_t width = 0;
  for (const auto& tally : run.tallies) width = std::max(width, label_of(tally.judged).size());
  for (const auto& tally : run.tallies) text += tally_line(tally, width);
  return text + holes_text(coverage);
}

std::string coverage_failure_text(const CoverageRun& run, const TerminalStyle& style) {
  std::string text;
  for (const auto& tally : run.tallies) {
    std::int64_t shown = 0, others = 0;
    for (const Result& failure : run.failures) {
      if (!(failure.judged == tally.judged)) continue;
      if (shown == kMostFailuresShown) {
        ++others;
      } else {
        text += describe(failure, style);
        ++shown;
      }
    }
    if (others > 0)
      text += fmt::format("\n... and {} more of {} in the covering array\n", others, label_of(tally.judged));
  }
  return text;
}

}  // namespace attest::harness
