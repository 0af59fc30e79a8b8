#pragma once

#include "harness/bug_zoo/bug.h"
#include "harness/bug_zoo/design.h"

namespace attest::bug_zoo {

/// What a kernel of the zoo is made of: a design, and at most one bug.
struct Recipe {
  Bug bug = Bug::none;
  Design design;
  bool rounds_stages = false;  ///< a bfloat16 layer: each stage's result is stored in bfloat16

  bool has(Bug one) const { return bug == one; }
};

/// A bug is planted in the plain design; one that begins at the border of a block, in blocks of a usual size.
constexpr Design design_of(Bug bug) {
  if (bug == Bug::first_block_hidden) return {.key_block = 512};
  if (bug == Bug::padding_in_row_sum || bug == Bug::padding_in_row_max) return {.key_block = 64};
  return {};
}

}  // namespace attest::bug_zoo
