#include "reference/rms_norm.h"

#include "fixtures/overloaded.h"
#include "reference/arrays.h"

namespace attest::reference {
template <class T>
std::optional<RMSNormParameters<T>> rms_norm_parameters(const Norm& norm, const Tensor* scale) {
  using Parameters = std::optional<RMSNormParameters<T>>;
  return std::visit(overloaded{[](const NoNorm&) { return Parameters{}; },
                               [&](const RMSNorm& rms) {
                                 return Parameters{{to_array<T>(*scale), rms.eps}};
                               }},
                    norm);
}

template <class T>
Array<T> rms_norm(const Array<T>& x, const RMSNormParameters<T>& parameters) {
  const Array<T> squares = x * x;
  const Array<T> mean_square =
      xt::mean(squares, {x.dimension() - 1}, xt::keep_dims | xt::evaluation_strategy::immediate);
  const Array<T> reciprocal_rms = T{1} / xt::sqrt(mean_square + static_cast<T>(parameters.eps));
  return x * reciprocal_rms * parameters.scale;
}

template std::optional<RMSNormParameters<float>> rms_norm_parameters(const Norm&, const Tensor*);
template std::optional<RMSNormParameters<double>> rms_norm_parameters(const Norm&, const Tensor*);
template Array<float> rms_norm(const Array<float>&, const RMSNormParameters<float>&);
template Array<double> rms_norm(const Array<double>&, const RMSNormParameters<double>&);

}  // namespace attest::reference
