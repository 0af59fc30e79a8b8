#include "harness/coverage/run_coverage.h"

#include <algorithm>
#include <chrono>
#include <future>

#include "harness/draw/judge_draw.h"
#include "harness/machine/interrupt.h"
#include "harness/machine/process_resources.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

/// Which of a row's seeds is tried next where the truth of one could not tell a wrong answer.
constexpr std::uint64_t kNextSeed = 1'000'000;
constexpr int kMostSeeds = 8;

/// Rows of one implementation whose failure is explained: the first ones tell most.
constexpr std::int64_t kMostExplained = 16;

DrawnProblem problem_of_row(const CoverageRow& row, std::uint64_t number) {
  DrawnProblem problem = problem_of(draw_of(row, number));
  for (int tries = 1; tries < kMostSeeds && !can_tell(problem); ++tries) {
    problem = problem_of(draw_of(row, number + static_cast<std::uint64_t>(tries) * kNextSeed));
  }
  return problem;
}

void keep_reason(std::vector<Result>& skipped, const Result& result) {
  const bool known = std::ranges::any_of(
      skipped, [&](const Result& other) { return other.judged == result.judged && other.message == result.message; });
  if (!known) skipped.push_back(result);
}

void judge_row(CoverageRun& run, CoverageTally& tally, const DrawnProblem& problem,
               const Implementation& implementation) {
  bool failed = false, passed = false;
  const auto explaining = tally.failed < kMostExplained ? Explaining::yes : Explaining::no;
  for (const Result& result : judge_draw(problem, implementation, explaining)) {
    if (result.status == Status::passed) {
      passed = true;
      if (result.comparison.e > tally.e) tally.e = result.comparison.e, tally.line = result.case_name;
    } else if (result.status == Status::skipped) {
      keep_reason(run.skipped, result);
    } else {
      failed = true;
      run.failures.push_back(result);
    }
  }
  ++(failed ? tally.failed : passed ? tally.passed : tally.skipped);
}

}  // namespace

CoverageRun run_coverage(const Lineup& lineup,
                         const std::function<void(std::int64_t row, std::int64_t of)>& before_row) {
  const auto start = Clock::now();
  set_threads(1);  // the calls are small, and the next row is made beside them
  const std::vector<CoverageRow> rows = covering_array();
  CoverageRun run;
  run.selected = std::ssize(rows);
  for (const auto& one : lineup.implementations) run.tallies.push_back({one->identity(), 0, 0, 0, 0.0, ""});
  std::future<DrawnProblem> next;
  const auto begin = [&](std::size_t i) {
    next = std::async(std::launch::async, [&rows, i] {
      set_threads(1);
      return problem_of_row(rows[i], i);
    });
  };
  if (!rows.empty()) begin(0);
  std::vector<CoverageRow> judged;
  for (std::size_t i = 0; i < rows.size() && !interrupted(); ++i) {
    before_row(static_cast<std::int64_t>(i), run.selected);
    const DrawnProblem problem = next.get();
    if (i + 1 < rows.size()) begin(i + 1);
    for (std::size_t n = 0; n < lineup.implementations.size(); ++n) {
      judge_row(run, run.tallies[n], problem, *lineup.implementations[n]);
    }
    judged.push_back(rows[i]);
  }
  if (next.valid()) next.wait();
  run.rows = std::ssize(judged);
  run.coverage = coverage_of(judged);
  run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  return run;
}

bool all_fine(const CoverageRun& run) {
  return run.failures.empty() && run.rows == run.selected && run.coverage.holes.empty();
}

}  // namespace attest::harness
