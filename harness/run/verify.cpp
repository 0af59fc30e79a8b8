#include "harness/run/verify.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <map>
#include <memory>

#include "fixtures/case_file.h"
#include "harness/judge/case_truth.h"
#include "harness/judge/judge_implementation.h"
#include "harness/judge/judge_recorded.h"
#include "harness/judge/judge_tables.h"
#include "harness/machine/interrupt.h"
#include "harness/machine/process_resources.h"
#include "harness/run/selection.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

void append(std::vector<Result>& to, std::vector<Result> more) { std::ranges::move(more, std::back_inserter(to)); }

constexpr std::int64_t kSmallCase = 1 << 20;

bool is_small(const Case& item) {
  std::int64_t elements = 0;
  for (const auto& [name, weight] : item.layer.weights) elements += weight.size();
  return elements < kSmallCase;
}

/// A case that was read, with its truths.
struct Prepared {
  std::filesystem::path file;
  std::unique_ptr<const Case> item;  ///< borrowed by `judged`
  JudgedCase judged;
  double seconds = 0.0;
};

void use_threads(const Case& item, const ThreadBudget& threads) {
  set_threads(threads.one_for_small_cases && is_small(item) ? 1 : threads.most);
}

Prepared with_truths_of(const std::filesystem::path& file, std::unique_ptr<const Case> item,
                        const ThreadBudget& threads) {
  const auto start = Clock::now();
  use_threads(*item, threads);
  JudgedCase judged = with_truths(*item, reference::ScoreStorage::float32);
  return {file, std::move(item), std::move(judged), seconds_since(start)};
}

/// Reads the case here, as HDF5 knows one thread only. A small one's truths are made beside what is judged meanwhile, a
/// larger one's when they are asked for, with every thread.
std::future<Prepared> prepare(const std::filesystem::path& file, const ThreadBudget& threads) {
  auto item = std::make_unique<const Case>(read_case(file));
  const auto when = threads.one_for_small_cases && is_small(*item) ? std::launch::async : std::launch::deferred;
  return std::async(when, with_truths_of, file, std::move(item), threads);
}

/// The truths of a case for everybody: whoever declares other scores has a budget of his own.
class Truths {
 public:
  explicit Truths(const Prepared& prepared) : prepared_(prepared) {}

  const JudgedCase& by(reference::ScoreStorage scores) {
    if (scores == reference::ScoreStorage::float32) return prepared_.judged;
    const auto found = others_.find(scores);
    return found != others_.end() ? found->second
                                  : others_.emplace(scores, with_truths(*prepared_.item, scores)).first->second;
  }

 private:
  const Prepared& prepared_;
  std::map<reference::ScoreStorage, JudgedCase> others_;
};

CaseOutcome outcome_of(const Prepared& prepared, const Lineup& lineup, const ThreadBudget& threads) {
  const auto start = Clock::now();
  const Case& item = *prepared.item;
  use_threads(item, threads);
  CaseOutcome outcome;
  outcome.name = item.name;
  outcome.file = prepared.file.string();
  outcome.subject = name_or_file(prepared.file);
  outcome.family = item.family;
  outcome.dtype = name_of(item.layer.config.dtype);
  outcome.steps = static_cast<std::int64_t>(item.steps.size());
  outcome.results = judge_stored_truth(prepared.judged);
  append(outcome.results, judge_tables(prepared.judged));
  append(outcome.results, judge_torchtune(prepared.judged));
  Truths truths(prepared);
  for (const auto& implementation : lineup.implementations) {
    append(outcome.results, judge_implementation(truths.by(implementation->score_storage()), *implementation));
  }
  outcome.status = verdict_of(outcome.results);
  outcome.seconds = prepared.seconds + seconds_since(start);
  return outcome;
}

}  // namespace

CaseOutcome verify_case(const std::filesystem::path& file, const Lineup& lineup, const ThreadBudget& threads) {
  return outcome_of(prepare(file, threads).get(), lineup, threads);
}

std::vector<Standing> standings_of(const Lineup& lineup) {
  std::vector<Standing> standings;
  for (const auto& one : lineup.implementations) {
    Standing standing{one->identity(), std::nullopt, one->declaration()};
    if (const Confinement* confinement = one->confinement()) standing.confinement = *confinement;
    standings.push_back(std::move(standing));
  }
  return standings;
}

Run verify(const std::vector<std::filesystem::path>& files, const Lineup& lineup, const ThreadBudget& threads,
           const Observer& observer) {
  const auto start = Clock::now();
  Run run;
  run.selected = files.size();
  run.absences = lineup.absences;
  run.judged.push_back({Party::torchtune});
  for (const auto& implementation : lineup.implementations) run.judged.push_back(implementation->identity());
  run.standings = standings_of(lineup);
  try {
    std::future<Prepared> next;
    for (std::size_t i = 0; i < files.size(); ++i) {
      observer.before_case(files[i], i);
      const Prepared prepared = i == 0 ? prepare(files[i], threads).get() : next.get();
      if (i + 1 < files.size()) next = prepare(files[i + 1], threads);
      run.cases.push_back(outcome_of(prepared, lineup, threads));
      observer.after_case(run.cases.back());
      stop_if_interrupted();
    }
  } catch (const Interrupted&) {
    run.interrupted = true;
  }
  run.seconds = seconds_since(start);
  return run;
}

}  // namespace attest::harness
