#include "harness/verdict/judgement.h"

#include <algorithm>
#include <array>

namespace attest::harness {

std::string_view name_of(Status status) {
  constexpr std::array<std::string_view, 8> kNames = {"passed",  "failed",   "skipped",  "mistrusted",
                                                      "vacuous", "untested", "unstable", "invalid"};
  return kNames[static_cast<std::size_t>(status)];
}

std::string_view name_of(Mode mode) {
  constexpr std::array<std::string_view, 6> kNames = {"localised", "end_to_end", "exact", "truth", "error", "setup"};
  return kNames[static_cast<std::size_t>(mode)];
}

std::string text_of(const Explanation& explanation) {
  if (explanation.pattern.empty()) return "";
  if (explanation.findings.empty()) return "no hypothesis fits; " + explanation.pattern;
  constexpr std::size_t kMostShown = 3;
  std::string text;
  for (std::size_t i = 0; i < std::min(kMostShown, explanation.findings.size()); ++i) {
    text += (i == 0 ? "" : "; or: ") + explanation.findings[i].sentence;
  }
  return text;
}

double Sensitivity::strongest() const { return std::max({dropped_key, swapped_heads.value_or(0.0), scale}); }

}  // namespace attest::harness
