#pragma once

#include <dlpack/dlpack.h>

#include "harness/bug_zoo/recipe.h"

namespace attest::bug_zoo {

/// After a call: the accesses of a bug that touches memory which is not its own to read or write.
void stray_access(const DLTensor& input, const DLTensor& output, const Recipe& recipe);

}  // namespace attest::bug_zoo
