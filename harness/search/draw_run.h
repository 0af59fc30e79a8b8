#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "harness/lineup/lineup.h"
#include "harness/search/drawn_question.h"

/// Fresh questions for everybody in a lineup, until there are enough or the time is over.
namespace attest::harness {

struct DrawRequest {
  std::uint64_t seed = 0;
  std::uint64_t count = 0;            ///< questions; 0: as many as there is time for
  std::chrono::milliseconds time{0};  ///< 0: no limit
  Isolation isolation;                ///< of the fresh processes in which a failure is met again
};

/// What became of the questions that one implementation was asked.
struct DrawTally {
  Judged judged;
  std::int64_t passed = 0, failed = 0, skipped = 0;
  std::int64_t cannot_tell = 0;  ///< asked, but any answer would have passed
  std::int64_t not_asked = 0;    ///< after it had failed often enough
  double e = 0.0;                ///< the largest of what passed
  std::string line;              ///< that question
};

struct DrawnFailure {
  Judged judged;
  Status status = Status::failed;  ///< or unstable
  std::string message;
  std::string line;  ///< meets it again, made as simple as there was time for
};

struct DrawRun {
  std::uint64_t seed = 0;
  std::uint64_t asked = 0;
  std::uint64_t redrawn = 0;  ///< problems that no answer could have failed: drawn again
  std::vector<DrawTally> tallies;
  std::vector<DrawnFailure> failures;
  bool interrupted = false;
  double seconds = 0.0;
};

/// Ends early, with `interrupted`, after Ctrl-C. `before_question` is told how many were asked.
DrawRun run_draws(const Lineup& lineup, const DrawRequest& request,
                  const std::function<void(std::uint64_t asked)>& before_question);

/// Nothing failed, nobody was interrupted, and something passed.
bool all_fine(const DrawRun& run);

}  // namespace attest::harness
