#pragma once

#include <cstdint>

#include "harness/laws/laws.h"

namespace attest::harness {

/// What came of a law on one draw: enough to meet the same again.
struct Evidence {
  const Law* law = nullptr;
  Judged judged;
  CaseDraw draw;  ///< as the law took it
  LawVerdict verdict;
  std::uint64_t inputs = 0;   ///< harness/judge/input_guard.h, of the drawn case
  std::uint64_t outputs = 0;  ///< of every tensor that the implementation returned, in order
};

/// Checks law.fit(draw). A gap is skipped with its reason; whatever is thrown fails.
Evidence try_law(const Law& law, const Implementation& implementation, const CaseDraw& draw);

}  // namespace attest::harness
