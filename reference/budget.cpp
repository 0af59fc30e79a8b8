#include "reference/budget.h"

#include <algorithm>

namespace attest::reference {

Array<double> half_ulps(const Array<double>& y, DType storage) {
  Array<double> halves = y;
  for (double& element : halves) element = half_ulp(element, storage);
  return halves;
}

void add_storage(Budget& budget, const Array<double>& y, DType storage) {
  budget.statistical += half_ulps(xt::abs(y) + budget.statistical, storage);
  budget.worst_case += half_ulps(xt::abs(y) + budget.worst_case, storage);
}

}  // namespace attest::reference
