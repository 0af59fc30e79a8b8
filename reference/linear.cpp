#include "reference/linear.h"

#include "fixtures/overloaded.h"
#include "reference/arrays.h"
#include "reference/one_blas_thread.h"

namespace attest::reference {

template <class T>
LinearParameters<T> linear_parameters(const Projection& projection, const Weights& weights, std::string_view name) {
  const auto parameter = [&](const char* which) { return to_array<T>(weights.at(std::string(name) + which)); };
  return std::visit(overloaded{[&](const Linear& arm) {
                      LinearParameters<T> parameters{parameter(".weight"), std::nullopt};
                      if (arm.bias) parameters.bias = parameter(".bias");
                      return parameters;
                    }},
                    projection);
}

template <class T>
LinearParameters<T> linear_parameters(const LinearInputs& inputs) {
  LinearParameters<T> parameters;
  parameters.weight = to_array<T>(inputs.weight);
  if (inputs.bias != nullptr) parameters.bias = to_array<T>(*inputs.bias);
  return parameters;
}

template <class T>
Array<T> times_transposed(const Array<T>& a, const Array<T>& b) {
  Array<T> product = xt::zeros<T>({a.shape(0), b.shape(0)});
  const OneBlasThread here;
  xt::blas::gemm(a, b, product, false, true, T{1}, T{0});
  return product;
}

template <class T>
Array<T> linear(const Array<T>& x, const LinearParameters<T>& parameters) {
  auto shape = x.shape();
  const std::size_t in_features = shape.back();
  Array<T> rows = x;
  rows.reshape({x.size() / in_features, in_features});

  Array<T> y = times_transposed(rows, parameters.weight);
  if (parameters.bias) y += *parameters.bias;

  shape.back() = y.shape(1);
  y.reshape(shape);
  return y;
}

template LinearParameters<float> linear_parameters(const Projection&, const Weights&, std::string_view);
template LinearParameters<double> linear_parameters(const Projection&, const Weights&, std::string_view);
template LinearParameters<float> linear_parameters(const LinearInputs&);
template LinearParameters<double> linear_parameters(const LinearInputs&);
template Array<float> times_transposed(const Array<float>&, const Array<float>&);
template Array<double> times_transposed(const Array<double>&, const Array<double>&);
template Array<float> linear(const Array<float>&, const LinearParameters<float>&);
template Array<double> linear(const Array<double>&, const LinearParameters<double>&);

}  // namespace attest::reference
