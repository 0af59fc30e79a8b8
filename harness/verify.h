#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/coverage/run_coverage.h"
#include "harness/judge/judgement.h"
#include "harness/lineup.h"
#include "harness/search/draw_run.h"

/// The main job: read cases, judge each by everybody in the lineup, one after the other.
namespace attest::harness {

/// Under what conditions somebody is judged.
struct Standing {
  Judged judged;
  std::optional<Confinement> confinement;  ///< of a library
  Declaration declaration;
};

struct CaseOutcome {
  std::string name;
  std::string file;
  std::string subject;  ///< as a replay line names it: the name of one of the fixtures, any other case's file
  std::string family;
  std::string dtype;
  std::int64_t steps = 0;
  Status status = Status::untested;
  std::vector<Result> results;
  double seconds = 0.0;
};

struct Run {
  std::vector<Judged> judged;       ///< "torchtune", then the lineup
  std::vector<Standing> standings;  ///< of the lineup
  std::vector<Result> absences;
  std::vector<CaseOutcome> cases;
  std::optional<CoverageRun> coverage;  ///< of the covering array, where the run has it
  std::optional<DrawRun> draws;         ///< random questions, where the run has them
  std::size_t selected = 0;
  bool interrupted = false;
  double seconds = 0.0;
};

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

/// The verdict on a case: failed, mistrusted, vacuous or untested if any result is; vacuous if nothing of an
/// implementation was judged; skipped if all of it was skipped; else passed.
Status verdict_of(const std::vector<Result>& results);

/// Whether every case, every required target and the covering array is fine.
bool all_fine(const Run& run);

}  // namespace attest::harness
