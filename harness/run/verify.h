#pragma once

#include <filesystem>
#include <functional>
#include <vector>

#include "harness/lineup/lineup.h"
#include "harness/run/run.h"

/// The main job: read cases, judge each by everybody in the lineup, one after the other.
namespace attest::harness {

/// What somebody who watches a run is told.
struct Observer {
  std::function<void(const std::filesystem::path&, std::size_t)> before_case;  ///< file, its index
  std::function<void(const CaseOutcome&)> after_case;
};

/// How many threads a case may use.
struct ThreadBudget {
  int most = 1;
  /// A small case gets one: waking and joining threads takes longer than its work. False where the user gave a number.
  bool one_for_small_cases = true;
};

/// Judges the stored truth, torchtune's own recording and every implementation on one file. Throws InputError for a
/// file that cannot be read.
CaseOutcome verify_case(const std::filesystem::path& file, const Lineup& lineup, const ThreadBudget& threads);

std::vector<Standing> standings_of(const Lineup& lineup);

/// Throws InputError at the first file that cannot be read. Ends early, with `interrupted`, after Ctrl-C; a case whose
/// judging that leaves unfinished is in no report.
Run verify(const std::vector<std::filesystem::path>& files, const Lineup& lineup, const ThreadBudget& threads,
           const Observer& observer);

}  // namespace attest::harness
