#pragma once

#include "reference/error_budget.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// How far each element of a stage may be from the truth; both arrays have the stage's shape. As the budget of a
/// stage's *input*, it is what the stage propagates: a null pointer stands for an input that is exact.
struct Budget {
  Array<double> statistical;
  Array<double> worst_case;
};

/// half_ulp of each element.
inline Array<double> half_ulps(Array<double> y, DType storage) {
  for (double& element : y) element = half_ulp(element, storage);
  return y;
}

/// Adds what storing y costs: half an ulp. Not of y but of the value farthest from 0 that the budget so far allows:
/// beyond the next power of two ulps are twice as large.
inline void add_storage(Budget& budget, const Array<double>& y, DType storage) {
  budget.statistical += half_ulps(xt::abs(y) + budget.statistical, storage);
  budget.worst_case += half_ulps(xt::abs(y) + budget.worst_case, storage);
}

}  // namespace attest::reference
