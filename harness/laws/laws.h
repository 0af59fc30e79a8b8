#pragma once

#include <span>
#include <string>
#include <string_view>

#include "harness/draw/drawn_case.h"
#include "harness/judge/implementation.h"
#include "harness/verdict/judgement.h"

/// Laws of attention that need no recorded answer: what one computes must agree with what the same implementation (or
/// its truth) gives for a transformed case.
///
/// A bitwise law demands the same bits. A bounded one demands that the transformed result lies within its own derived
/// error budget of the truth of the *untransformed* case: two results of which each is within B of one truth differ by
/// at most the sum of their budgets. No law has a tolerance of its own.
namespace attest::harness {

enum class Agreement { bitwise, bounded };

struct LawVerdict {
  Status status = Status::vacuous;  ///< vacuous: nothing was compared
  double e = 0.0;                   ///< bounded: the largest share of an error budget
  std::string message;              ///< what did not agree, and where
};

struct Law {
  std::string_view name;      ///< a word for command lines
  std::string_view sentence;  ///< what holds
  Agreement agreement;
  CaseDraw (*fit)(CaseDraw);  ///< the nearest draw that the law speaks about, valid
  LawVerdict (*check)(const Implementation& implementation, const CaseDraw& draw);  ///< of a fitting draw
};

std::span<const Law> laws();
/// Throws InputError listing the names.
const Law& law_from_name(std::string_view name);

}  // namespace attest::harness
