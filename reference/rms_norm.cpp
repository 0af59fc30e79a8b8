#include "reference/rms_norm.h"

#include "fixtures/error.h"
#include "fixtures/overloaded.h"
#include "reference/arrays.h"

namespace attest::reference {
namespace {

/// 1 / sqrt(mean(x^2) + eps) of each row: [..., dim] -> [..., 1].
template <class T>
Array<T> reciprocal_rms(const Array<T>& x, double eps) {
  const Array<T> squares = sum_of_rows<T>(x * x);
  return T{1} / xt::sqrt(squares / static_cast<T>(x.shape().back()) + static_cast<T>(eps));
}

}  // namespace

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
  return x * reciprocal_rms(x, parameters.eps) * parameters.scale;
}

Budget norm_budget(const Array<double>& x, const RMSNormParameters<double>& parameters, const Array<double>& y,
                   DType storage, const Budget* dx) {
  const auto h_d = static_cast<double>(x.shape().back());
  const Array<double> scale = xt::abs(parameters.scale), underflow = kUnderflow * (1 + scale);
  Budget budget{norm_factor(Growth::statistical, h_d) * kUnitRoundoff * xt::abs(y) + underflow,
                norm_factor(Growth::worst_case, h_d) * kUnitRoundoff * xt::abs(y) + underflow};
  if (dx != nullptr) {
    const Array<double> r = reciprocal_rms(x, parameters.eps), x_hat = x * r;
    const Array<double> moved = xt::square(x_hat * dx->statistical), all_moved = sum_of_rows(moved);
    const Array<double> own = (1 - x_hat * x_hat / h_d) * dx->statistical;
    const Array<double> others = xt::square(x_hat / h_d) * xt::maximum(all_moved - moved, 0.0);
    budget.statistical += kKappa * scale * r * xt::sqrt(xt::square(own) + others);

    const Array<double> size = xt::abs(x_hat), sizes = sum_of_rows(size * dx->worst_case);
    budget.worst_case += scale * r * (dx->worst_case + size * sizes / h_d);
  }
  add_storage(budget, y, storage);
  return budget;
}

template RMSNormParameters<float> rms_norm_parameters(const Norm&, const Tensor&);
template RMSNormParameters<double> rms_norm_parameters(const Norm&, const Tensor&);
template Array<float> rms_norm(const Array<float>&, const RMSNormParameters<float>&);
template Array<double> rms_norm(const Array<double>&, const RMSNormParameters<double>&);

}  // namespace attest::reference
