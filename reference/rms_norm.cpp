#include "reference/rms_norm.h"

#include <cmath>
#include <numeric>

#include "fixtures/error.h"
#include "fixtures/overloaded.h"
#include "reference/arrays.h"

namespace attest::reference {

template <class T>
RMSNormParameters<T> rms_norm_parameters(const Norm& norm, const Tensor& scale) {
  return std::visit(
      overloaded{[](const NoNorm&) -> RMSNormParameters<T> { throw InputError("norm", "one with parameters", "none"); },
                 [&](const RMSNorm& rms) {
                   return RMSNormParameters<T>{to_array<T>(scale), rms.eps};
                 }},
      norm);
}

template <class T>
Array<T> rms_norm(const Array<T>& x, const RMSNormParameters<T>& parameters) {
  const std::size_t dim = x.shape().back();
  Array<T> y = x;
  for (T* row = y.data(); row != y.data() + y.size(); row += dim) {
    const T mean_square = std::inner_product(row, row + dim, row, T{0}) / static_cast<T>(dim);
    const T reciprocal_rms = T{1} / std::sqrt(mean_square + static_cast<T>(parameters.eps));
    for (std::size_t i = 0; i < dim; ++i) row[i] = row[i] * reciprocal_rms * parameters.scale(i);
  }
  return y;
}

template RMSNormParameters<float> rms_norm_parameters(const Norm&, const Tensor&);
template RMSNormParameters<double> rms_norm_parameters(const Norm&, const Tensor&);
template Array<float> rms_norm(const Array<float>&, const RMSNormParameters<float>&);
template Array<double> rms_norm(const Array<double>&, const RMSNormParameters<double>&);

}  // namespace attest::reference
