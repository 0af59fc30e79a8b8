#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "harness/bug_zoo/bugs.h"
#include "harness/verdict/judgement.h"

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
  std::size_t named() const;
  double share(Naming naming) const;  ///< of all failures; 0 without any
  void add(const NamedCause& cause);
};

/// Below this share of the budget rounding noise decides which formula comes near, and a name may be worth less than
/// none.
inline constexpr double kNearTheLimit = 1.5;

struct Truthfulness {
  NamingCounts all, near_the_limit;
};
Truthfulness truthfulness_of(const std::vector<NamedCause>& causes);

/// What explanations are held to; near the limit, of those that name something.
inline constexpr double kLeastRight = 0.85, kMostWrong = 0.005, kMostWrongNearTheLimit = 0.02;
bool is_truthful(const Truthfulness& truthfulness);

}  // namespace attest::harness
