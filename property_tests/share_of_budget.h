#pragma once

#include <algorithm>
#include <cmath>

#include "reference/error_budget.h"
#include "reference/truth.h"

namespace attest::property_tests {

/// e: the largest |y - y*| / B. Infinite where a class (finite, NaN) differs. Rows that are ill-conditioned end to end
/// are left out.
inline double share_of_budget(const Tensor& got, const reference::StageTruth& truth) {
  const auto y = to_doubles(got);
  const auto value = truth.value.as<double>(), budget = truth.budget.as<double>();
  if (got.shape() != truth.value.shape()) return INFINITY;
  const auto rows = static_cast<std::size_t>(truth.condition.size());
  double e = 0;
  for (std::size_t at = 0; at < y.size(); ++at) {
    if (rows > 0 && truth.condition.as<double>()[at * rows / y.size()] > reference::kIllConditionedLogit) continue;
    if (std::isnan(y[at]) && std::isnan(value[at])) continue;
    const double difference = std::fabs(y[at] - value[at]);
    const bool within = difference <= budget[at] * e;
    if (!within) e = std::isfinite(difference) ? difference / budget[at] : INFINITY;
  }
  return e;
}

}  // namespace attest::property_tests
