#pragma once

#include "harness/search/draw_run.h"

namespace attest::harness {

/// Meets the failure of the last question of `asked` again, in processes of their own, says what it depends on, and
/// makes it as simple as it can in some seconds. What cannot be met again is `unstable`.
DrawnFailure met_again(const std::vector<DrawnQuestion>& asked, const Judged& judged, const LawVerdict& verdict,
                       const Isolation& isolation);

}  // namespace attest::harness
