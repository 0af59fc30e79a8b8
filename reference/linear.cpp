#include "reference/linear.h"

#include "reference/arrays.h"

namespace attest::reference {
namespace {

template <class T>
LinearParameters<T> parameters_of(const Linear& linear, const Weights& weights, const std::string& name) {
  LinearParameters<T> parameters;
  parameters.weight = to_array<T>(weights.at(name + ".weight"));
  if (linear.bias) parameters.bias = to_array<T>(weights.at(name + ".bias"));
  return parameters;
}

}  // namespace

template <class T>
LinearParameters<T> linear_parameters(const Projection& projection, const Weights& weights, std::string_view name) {
  return std::visit([&](const Linear& arm) { return parameters_of<T>(arm, weights, std::string(name)); }, projection);
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
