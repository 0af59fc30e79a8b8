#include "harness/run/run.h"

#include <algorithm>

namespace attest::harness {

Status verdict_of(const std::vector<Result>& results) {
  const auto any = [&](Status status) {
    return std::ranges::any_of(results, [&](const Result& result) { return result.status == status; });
  };
  for (const Status bad : {Status::failed, Status::unstable, Status::mistrusted, Status::vacuous, Status::untested}) {
    if (any(bad)) return bad;
  }
  const auto of_implementations =
      std::ranges::count_if(results, [](const Result& result) { return result.judged.is_implementation(); });
  const auto passed = std::ranges::count_if(results, [](const Result& result) {
    return result.judged.is_implementation() && result.status == Status::passed;
  });
  if (of_implementations == 0) return Status::vacuous;
  return passed == 0 ? Status::skipped : Status::passed;
}

bool all_fine(const Run& run) {
  const auto tolerable = [](const auto& item) { return is_tolerable(item.status); };
  const bool something_passed =
      std::ranges::any_of(run.cases, [](const CaseOutcome& outcome) { return outcome.status == Status::passed; });
  if (run.coverage && !all_fine(*run.coverage)) return false;
  if (run.draws && !all_fine(*run.draws)) return false;
  return !run.interrupted && (something_passed || (run.cases.empty() && run.draws)) &&
         run.cases.size() == run.selected && std::ranges::all_of(run.cases, tolerable) &&
         std::ranges::all_of(run.absences, tolerable);
}

}  // namespace attest::harness
