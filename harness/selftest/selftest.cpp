#include "harness/selftest/selftest.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <thread>

#include "fixtures/named_rows.h"
#include "harness/bug_zoo/bugs.h"
#include "harness/bug_zoo/design.h"
#include "harness/coverage/covering_array.h"
#include "harness/isolation/library_implementation.h"
#include "harness/judge/judge_implementation.h"
#include "harness/laws/evidence.h"
#include "harness/machine/interrupt.h"
#include "harness/machine/own_files.h"
#include "harness/machine/process_resources.h"
#include "harness/selftest/selftest_cases.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;
using Cases = std::vector<std::unique_ptr<SelftestCase>>;

fs::path zoo_library() { return own_file(ATTEST_INSTALLED_BUG_ZOO, ATTEST_BUILT_BUG_ZOO); }

Check check_of(const Result& result) {
  if (result.comparison.judged == 0) return Check::call;
  if (result.mode == Mode::exact) return Check::exact;
  return result.mode == Mode::localised ? Check::stage : Check::layer;
}

/// Records what passed; of what failed, the check that comes first in Check, and what was said about it.
void judge_on(const SelftestCase& on, const Implementation& kernel, Trial& trial) {
  for (const Result& result : judge_implementation(on.judged, kernel)) {
    if (result.status == Status::passed) {
      ++trial.passed;
      trial.largest_e = std::max(trial.largest_e, result.comparison.e);
    }
    if (result.status != Status::failed) continue;  // mistrusted says something about the case, not about the kernel
    if (const auto* bug = bug_zoo::find_bug(trial.name); bug != nullptr) {
      if (auto cause = named_cause(*bug, on.line, result)) trial.causes.push_back(std::move(*cause));
    }
    const Rejection found{check_of(result), on.line, result};
    const auto [known, is_first] = trial.rejections.try_emplace(on.item.family, found);
    if (!is_first && found.check < known->second.check) known->second = found;
  }
}

/// A draw that every law finds something in.
const CaseDraw kLawDraw = {.seed = 1,
                           .b = 2,
                           .s_x = 7,
                           .s_y = 5,
                           .n_kv = 2,
                           .q_per_kv = 2,
                           .h_d = 6,
                           .d_per_head = 3,
                           .mask = MaskKind::causal,
                           .chunk = 3,
                           .spare = 2,
                           .rotary = RotaryKind::interleaved,
                           .bias = true};

/// One is enough. All but `truth` are tried, which is what the cases are judged by.
std::string first_broken_law(const Implementation& kernel) {
  for (const Law& law : laws()) {
    if (law.name == "truth") continue;
    stop_if_interrupted();
    if (try_law(law, kernel, kLawDraw).verdict.status == Status::failed) return std::string(law.name);
  }
  return "";
}

/// One rejected case a family is enough.
Trial try_kernel(const std::string& name, const Cases& cases) {
  Trial trial;
  trial.name = name;
  const auto kernel = load_implementation(zoo_library().string() + "#" + name);
  for (const auto& on : cases) {
    stop_if_interrupted();
    if (!trial.rejections.contains(on->item.family)) judge_on(*on, *kernel, trial);
  }
  trial.broken_law = first_broken_law(*kernel);
  return trial;
}

std::vector<std::string> names_of(const auto& kernels) {
  std::vector<std::string> names;
  for (const auto& kernel : kernels) names.emplace_back(kernel.name);
  return names;
}

void require_in_zoo(const std::vector<std::string>& bugs) {
  for (const auto& name : bugs) row_named(bug_zoo::kPlantedBugs, "--bug", name);
}

/// Absent where Ctrl-C came first.
using Trials = std::vector<std::optional<Trial>>;

/// Tries the kernels side by side: each has a process of its own.
Trials try_all(const std::vector<std::string>& names, const Cases& cases, int threads,
               const std::function<void()>& after_trial) {
  Trials trials(names.size());
  std::atomic<std::size_t> next = 0;
  std::mutex reporting;
  std::exception_ptr error;
  const auto work = [&] {
    set_threads(1);  // OpenMP counts for each thread anew, and the cases are small
    for (std::size_t at = next++; at < names.size() && !interrupted(); at = next++) {
      try {
        trials[at] = try_kernel(names[at], cases);
      } catch (const Interrupted&) {
        return;
      } catch (...) {
        const std::scoped_lock lock(reporting);
        error = std::current_exception();
      }
      const std::scoped_lock lock(reporting);
      after_trial();
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int n = 0; n < threads; ++n) workers.emplace_back(work);
  }
  if (error) std::rethrow_exception(error);
  return trials;
}

/// Those that came to their end.
std::vector<Trial> finished(std::span<const std::optional<Trial>> trials) {
  std::vector<Trial> ended;
  for (const auto& trial : trials) {
    if (trial) ended.push_back(*trial);
  }
  return ended;
}

std::vector<std::string> families_of(const Cases& cases) {
  std::vector<std::string> families;
  for (const auto& one : cases) {
    if (std::ranges::find(families, one->item.family) == families.end()) families.push_back(one->item.family);
  }
  return families;
}

}  // namespace

std::string_view name_of(Check check) {
  constexpr std::array<std::string_view, 4> kNames = {"call", "stage", "exact", "layer"};
  return kNames[static_cast<std::size_t>(check)];
}

Selftest run_selftest(const SelftestRequest& request,
                      const std::function<void(std::size_t done, std::size_t of)>& after_trial) {
  const auto start = std::chrono::steady_clock::now();
  require_in_zoo(request.bugs);
  const auto variants = request.bugs.empty() ? names_of(bug_zoo::kCorrectVariants) : std::vector<std::string>{};
  std::vector<std::string> names = request.bugs.empty() ? names_of(bug_zoo::kPlantedBugs) : request.bugs;
  const std::size_t bugs = names.size();
  names.insert(names.end(), variants.begin(), variants.end());

  const Cases cases = selftest_cases(request.fixtures);
  std::size_t done = 0;
  const Trials trials = try_all(names, cases, request.threads, [&] { after_trial(++done, names.size()); });
  Selftest selftest;
  selftest.families = families_of(cases);
  selftest.bugs = finished(std::span(trials).first(bugs));
  selftest.variants = finished(std::span(trials).subspan(bugs));
  for (const auto& hole : coverage_of(covering_array()).holes) selftest.coverage_holes.push_back(hole.what);
  selftest.selected = names.size();
  selftest.interrupted = interrupted();
  selftest.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return selftest;
}

bool was_noticed(const Trial& bug) { return !bug.rejections.empty() || !bug.broken_law.empty(); }

bool was_named(const Trial& bug) {
  std::map<std::string, std::size_t, std::less<>> fits;  // hypothesis -> failures that it explains
  for (const auto& [family, rejection] : bug.rejections) {
    if (rejection.check == Check::call) return true;
    std::set<std::string> ids;
    for (const auto& finding : rejection.result.explanation.findings) ids.insert(finding.id);
    for (const auto& id : ids) ++fits[id];
  }
  const auto right = fits.find(bug_zoo::find_bug(bug.name)->finding);
  return right != fits.end() &&
         std::ranges::all_of(fits, [&](const auto& other) { return other.second <= right->second; });
}

bool was_accepted(const Trial& variant) {
  return variant.rejections.empty() && variant.broken_law.empty() && variant.passed > 0;
}

std::string_view equivalence_of(const Trial& bug) { return bug_zoo::find_bug(bug.name)->equivalence; }

Truthfulness truthfulness_of(const Selftest& selftest) {
  std::vector<NamedCause> causes;
  for (const Trial& bug : selftest.bugs) causes.insert(causes.end(), bug.causes.begin(), bug.causes.end());
  return truthfulness_of(causes);
}

bool all_fine(const Selftest& selftest) {
  const auto fine = [](const Trial& bug) { return was_noticed(bug) != !equivalence_of(bug).empty(); };
  const auto named = static_cast<double>(std::ranges::count_if(selftest.bugs, was_named));
  const bool is_whole_zoo = selftest.bugs.size() == bug_zoo::kPlantedBugs.size();
  if (is_whole_zoo && !(named >= kShareNamed * static_cast<double>(selftest.bugs.size()))) return false;
  if (is_whole_zoo && !is_truthful(truthfulness_of(selftest))) return false;
  return !selftest.interrupted && selftest.coverage_holes.empty() && std::ranges::all_of(selftest.bugs, fine) &&
         std::ranges::all_of(selftest.variants, was_accepted);
}

}  // namespace attest::harness
