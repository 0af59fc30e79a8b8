#include "harness/selftest/named_cause.h"

#include <algorithm>
#include <numeric>

#include "harness/explain/explain.h"

namespace attest::harness {
namespace {

Naming naming_of(const bug_zoo::PlantedBug& bug, const Finding& finding) {
  if (finding.id == bug.finding) return Naming::right;
  const bool is_true = explain::is_fact(finding) || std::ranges::count(bug.effects, finding.id) > 0;
  return is_true ? Naming::effect : Naming::wrong;
}

}  // namespace

std::string_view name_of(Naming naming) {
  constexpr std::array<std::string_view, kNamings.size()> kNames = {"right", "effect", "nothing", "wrong"};
  return kNames[static_cast<std::size_t>(naming)];
}

std::optional<NamedCause> named_cause(const bug_zoo::PlantedBug& bug, const std::string& line, const Result& result) {
  if (result.status != Status::failed || result.explanation.pattern.empty()) return std::nullopt;
  NamedCause cause{Naming::nothing, line, result.stage, result.comparison.e, {}};
  if (!result.explanation.findings.empty()) {
    cause.first = result.explanation.findings.front();
    cause.naming = naming_of(bug, cause.first);
  }
  return cause;
}

std::size_t NamingCounts::failures() const { return std::accumulate(of.begin(), of.end(), std::size_t{0}); }

double NamingCounts::share(Naming naming) const {
  if (failures() == 0) return 0.0;
  return static_cast<double>(of[static_cast<std::size_t>(naming)]) / static_cast<double>(failures());
}

std::size_t NamingCounts::named() const { return failures() - of[static_cast<std::size_t>(Naming::nothing)]; }

void NamingCounts::add(const NamedCause& cause) { ++of[static_cast<std::size_t>(cause.naming)]; }

Truthfulness truthfulness_of(const std::vector<NamedCause>& causes) {
  Truthfulness truthfulness;
  for (const NamedCause& cause : causes) {
    truthfulness.all.add(cause);
    if (cause.e < kNearTheLimit) truthfulness.near_the_limit.add(cause);
  }
  return truthfulness;
}

bool is_truthful(const Truthfulness& of) {
  const double wrong_near = static_cast<double>(of.near_the_limit.of[static_cast<std::size_t>(Naming::wrong)]);
  return of.all.share(Naming::right) >= kLeastRight && of.all.share(Naming::wrong) <= kMostWrong &&
         wrong_near <= kMostWrongNearTheLimit * static_cast<double>(of.near_the_limit.named());
}

}  // namespace attest::harness
