#pragma once

#include "optimized/kernels.h"
#include "optimized/resources.h"

namespace attest::optimized {

/// What a layer, or a single stage, is computed with; `Element` as in Kernels.
template <class Element>
struct Execution {
  /// Throws InputError for a target that is not usable here, or a negative number of threads, or a blocking that cannot
  /// be.
  Execution(Target target, const Resources& resources);

  const Kernels<Element>& kernels;
  Blocking blocking;
  int threads;
};

template <>
Execution<float>::Execution(Target target, const Resources& resources);

}  // namespace attest::optimized
