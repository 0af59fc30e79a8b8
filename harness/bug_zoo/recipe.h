#pragma once

#include "harness/bug_zoo/bugs.h"
#include "harness/bug_zoo/design.h"

namespace attest::bug_zoo {

/// What a kernel of the zoo is made of: a design, and at most one bug.
struct Recipe {
  Bug bug = Bug::none;
  Design design;

  bool has(Bug one) const { return bug == one; }
};

}  // namespace attest::bug_zoo
