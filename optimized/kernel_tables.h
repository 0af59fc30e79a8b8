#pragma once

#include "optimized/kernels.h"
#include "optimized/target.h"

namespace attest::optimized {

/// The kernels of a usable target (targets()[...].usable). Throws InputError for one that is not usable here.
const KernelTable& kernels_of(Target target);

}  // namespace attest::optimized
