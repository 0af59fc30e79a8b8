#include "harness/selftest/named_cause.h"

#include <algorithm>
#include <numeric>

namespace attest::harness {
namespace {

Naming naming_of(const bug_zoo::PlantedBug& bug, const std::string& finding) {
  if (finding == bug.finding) return Naming::right;
  return std::ranges::count(bug.effects, finding) > 0 ? Naming::effect : Naming::wrong;
}

}  // namespace

std::string_view name_of(Naming naming) {
  constexpr std::array<std::string_view, kNamings.size()> kNames = {"right", "effect", "nothing", "wrong"};
  return kNames[static_cast<std::size_t>(naming)];
}

std::optional<NamedCause> named_cause(const bug_zoo::PlantedBug& bug, const std::string& line, const Result& result) {
  if (result.status != Status::failed || result.explanation.pattern.empty()) return std::nullopt;
  NamedCause cause{Naming::nothing, line, result.stage, result.e, {}};
  if (!result.explanation.findings.empty()) {
    cause.first = result.explanation.findings.front();
    cause.naming = naming_of(bug, cause.first.id);
  }
  return cause;
}

std::size_t NamingCounts::failures() const { return std::accumulate(of.begin(), of.end(), std::size_t{0}); }

double NamingCounts::share(Naming naming) const {
  if (failures() == 0) return 0.0;
  return static_cast<double>(of[static_cast<std::size_t>(naming)]) / static_cast<double>(failures());
}

NamingCounts count(const std::vector<NamedCause>& causes, double below_e) {
  NamingCounts counts;
  for (const NamedCause& cause : causes) {
    if (cause.e < below_e) ++counts.of[static_cast<std::size_t>(cause.naming)];
  }
  return counts;
}

}  // namespace attest::harness
