#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/coverage/run_coverage.h"
#include "harness/judge/confinement.h"
#include "harness/judge/declaration.h"
#include "harness/search/draw_run.h"
#include "harness/verdict/judgement.h"

/// What a run came to: all that its reports are made of.
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

/// The verdict on a case: failed, mistrusted, vacuous or untested if any result is; vacuous if nothing of an
/// implementation was judged; skipped if all of it was skipped; else passed.
Status verdict_of(const std::vector<Result>& results);

/// Whether every case, every required target and the covering array is fine.
bool all_fine(const Run& run);

}  // namespace attest::harness
