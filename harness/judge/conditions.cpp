#include "harness/judge/conditions.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string>

namespace attest::harness {
namespace {

bool is_about_the_same(const Result& one, const Result& other) {
  return one.step == other.step && one.stage == other.stage && one.mode == other.mode;
}

bool is_worse(const Result& other, const Result& result) {
  if (is_tolerable(other.status) != is_tolerable(result.status)) return is_tolerable(result.status);
  return other.comparison.e > result.comparison.e;
}

/// The worst result about one thing, and the conditions in which it was no good.
struct Found {
  Result worst;
  std::vector<std::string> bad_in;
};

void note(std::vector<Found>& found, Result result, const std::string& condition) {
  const bool is_bad = !is_tolerable(result.status);
  const auto same = std::ranges::find_if(found, [&](const Found& one) { return is_about_the_same(one.worst, result); });
  if (same == found.end()) {
    found.push_back({std::move(result), is_bad ? std::vector{condition} : std::vector<std::string>{}});
    return;
  }
  if (is_bad) same->bad_in.push_back(condition);
  if (is_worse(result, same->worst)) same->worst = std::move(result);
}

}  // namespace

std::vector<Result> judged_in_all_conditions(const Implementation& implementation,
                                             const std::function<std::vector<Result>()>& judge) {
  std::vector<Found> found;
  std::size_t conditions = 0;
  do {
    const std::string condition = implementation.condition_of_answers();
    ++conditions;
    for (Result& result : judge()) note(found, std::move(result), condition);
  } while (implementation.turn_to_other_answers());
  std::vector<Result> results;
  for (auto& [worst, bad_in] : found) {
    if (!bad_in.empty() && bad_in.size() < conditions) {
      worst.message += fmt::format("; only {}", fmt::join(bad_in, " or "));
    }
    results.push_back(std::move(worst));
  }
  return results;
}

}  // namespace attest::harness
