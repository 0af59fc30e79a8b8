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

Budget transpose_1_2(const Budget& budget) {
  return {transpose_1_2(budget.statistical), transpose_1_2(budget.worst_case)};
}

Budget view_as(const Budget& budget, const std::vector<std::int64_t>& shape) {
  return {view_as(budget.statistical, shape), view_as(budget.worst_case, shape)};
}

}  // namespace attest::reference
