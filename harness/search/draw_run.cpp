#include "harness/search/draw_run.h"

#include <algorithm>
#include <string_view>

#include "harness/draw/judge_draw.h"
#include "harness/machine/interrupt.h"
#include "harness/search/meet_again.h"
#include "harness/search/random_draw.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

/// Of one implementation; each costs seconds to make simple, and the first ones tell most.
constexpr std::int64_t kMostFailures = 3;

constexpr std::string_view kTruth = "truth";

class Draws {
 public:
  Draws(const Lineup& lineup, const DrawRequest& request) : lineup_(lineup), request_(request) {
    run_.seed = request.seed;
    for (const auto& one : lineup.implementations) run_.tallies.emplace_back().judged = one->identity();
  }

  DrawRun run(const std::function<void(std::uint64_t)>& before_question) {
    const auto start = Clock::now();
    try {
      for (std::uint64_t index = 0; goes_on(start); ++index) {
        before_question(run_.asked);
        stop_if_interrupted();
        ask_all(random_question(request_.seed, index));
      }
    } catch (const Interrupted&) {
      run_.interrupted = true;
    }
    run_.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return std::move(run_);
  }

 private:
  bool goes_on(Clock::time_point start) const {
    const bool wants_more = request_.count == 0 || run_.asked < request_.count;
    const bool has_time = request_.time.count() == 0 || Clock::now() - start < request_.time;
    return wants_more && has_time;
  }

  /// A draw that no answer could fail is drawn again.
  void ask_all(const DrawnQuestion& question) {
    if (question.law->name == kTruth && !can_tell(problem_of(question.draw))) {
      ++run_.redrawn;
      return;
    }
    ++run_.asked;
    asked_.push_back(question);
    for (std::size_t at = 0; at < run_.tallies.size(); ++at) {
      DrawTally& tally = run_.tallies[at];
      if (tally.failed >= kMostFailures) {
        ++tally.not_asked;
      } else {
        note(tally, question, ask(question, *lineup_.implementations[at]));
      }
    }
  }

  void note(DrawTally& tally, const DrawnQuestion& question, const LawVerdict& verdict) {
    switch (verdict.status) {
      case Status::passed:
        ++tally.passed;
        if (!(verdict.e <= tally.e)) {
          tally.e = verdict.e;
          tally.line = to_line({question}, label_of(tally.judged));
        }
        return;
      case Status::skipped:
        ++tally.skipped;
        return;
      case Status::vacuous:
      case Status::mistrusted:
        ++tally.cannot_tell;
        return;
      case Status::failed:
      case Status::untested:
      case Status::unstable:
      case Status::invalid:
        ++tally.failed;
        run_.failures.push_back(met_again(asked_, tally.judged, verdict, request_.isolation));
        return;
    }
  }

  const Lineup& lineup_;
  DrawRequest request_;
  DrawRun run_;
  std::vector<DrawnQuestion> asked_;
};

}  // namespace

DrawRun run_draws(const Lineup& lineup, const DrawRequest& request,
                  const std::function<void(std::uint64_t asked)>& before_question) {
  return Draws(lineup, request).run(before_question);
}

bool all_fine(const DrawRun& run) {
  const bool something_passed =
      std::ranges::any_of(run.tallies, [](const DrawTally& tally) { return tally.passed > 0; });
  return !run.interrupted && run.failures.empty() && something_passed;
}

}  // namespace attest::harness
