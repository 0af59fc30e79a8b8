#pragma once

#include "harness/verdict/comparator.h"

namespace attest::property_tests {

/// e: the largest |y - y*| / B. Infinite where a class (finite, NaN) differs. Rows that are ill-conditioned end to end
/// are left out.
inline double share_of_budget(const Tensor& got, const reference::StageTruth& truth) {
  return harness::compare(got, truth, got.dtype()).e;
}

}  // namespace attest::property_tests
