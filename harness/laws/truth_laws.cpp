#include "harness/draw/judge_draw.h"
#include "harness/judge/judge_implementation.h"
#include "harness/laws/law_tools.h"

namespace attest::harness {
namespace {

/// The whole judgement of a recorded case, on the drawn one; of what no case can say, the draw's own.
std::vector<Result> judge(const Implementation& implementation, const CaseDraw& draw) {
  if (needs_no_calls(draw) || draw.calls_before > 0)
    return judge_draw(problem_of(draw, implementation.score_storage()), implementation);
  const Case item = drawn_case(draw);
  return judge_implementation(with_truths(item, implementation.score_storage()), implementation);
}

LawVerdict judge_against_truth(const Implementation& implementation, const CaseDraw& draw) {
  LawVerdict verdict;
  for (const Result& result : judge(implementation, draw)) {
    if (result.status == Status::failed) {
      if (verdict.status != Status::failed) {
        verdict.message = result.stage + " of call " + std::to_string(result.step) + ", " +
                          std::string(name_of(result.mode)) + ": " + result.message;
      }
      verdict.status = Status::failed;
    } else if (result.status == Status::passed && verdict.status != Status::failed) {
      verdict.status = Status::passed;
      verdict.message.clear();
    } else if (result.status == Status::skipped && verdict.status == Status::vacuous) {
      verdict.status = Status::skipped;
      verdict.message = result.message;
    }
    verdict.e = std::max(verdict.e, result.comparison.e);
  }
  return verdict;
}

constexpr Law kTruthLaws[] = {
    {"truth", "every stage is within its error budget, alone and end to end, and exact where it can be",
     Agreement::bounded, nearest_valid, judge_against_truth}};

}  // namespace

std::span<const Law> truth_laws() { return kTruthLaws; }

}  // namespace attest::harness
