#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/bug_zoo/bugs.h"
#include "harness/judge/judgement.h"

/// Are the explanations true? What the first cause named of each failure of a planted bug is worth.
namespace attest::harness {

/// right:   it is the bug
/// effect:  it is a true statement about what the wrong kernel did, by the bug's own list
/// nothing: no cause was named
/// wrong:   what it says did not happen
enum class Naming { right, effect, nothing, wrong };
inline constexpr std::array kNamings = {Naming::right, Naming::effect, Naming::nothing, Naming::wrong};
std::string_view name_of(Naming naming);

struct NamedCause {
  Naming naming;
  std::string line;  ///< the case
  std::string stage;
  double e = 0.0;
  Finding first;  ///< empty if nothing was named
};

/// Absent where nothing was to be explained: what passed, what follows a stage that diverged, a call that gave itself
/// away.
std::optional<NamedCause> named_cause(const bug_zoo::PlantedBug& bug, const std::string& line, const Result& result);

struct NamingCounts {
  std::array<std::size_t, kNamings.size()> of = {};

  std::size_t failures() const;
  double share(Naming naming) const;  ///< 0 without failures
};

/// Below this share of the budget rounding noise decides which formula comes near, and a name is worth less than none.
inline constexpr double kNearTheLimit = 1.5;

NamingCounts count(const std::vector<NamedCause>& causes, double below_e);

/// What explanations are held to, over all bugs and all cases in which they fail.
inline constexpr double kLeastRight = 0.85, kMostWrong = 0.005, kMostWrongNearTheLimit = 0.02;

}  // namespace attest::harness
