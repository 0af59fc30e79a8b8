#pragma once

#include <functional>
#include <vector>

#include "harness/judge/implementation.h"

namespace attest::harness {

/// What `judge` finds, judged again for as long as the implementation turns to other answers to the same questions. Of
/// results about the same thing the worst is kept; one that failed in some conditions only says in which.
std::vector<Result> judged_in_all_conditions(const Implementation& implementation,
                                             const std::function<std::vector<Result>()>& judge);

}  // namespace attest::harness
