#include "reference/linear.h"

#include <algorithm>
#include <cmath>

#include "fixtures/overloaded.h"
#include "reference/arrays.h"
#include "reference/products.h"

namespace attest::reference {
namespace {

/// [..., columns] -> [rows, columns]
template <class T>
Array<T> as_rows(const Array<T>& values, std::size_t columns) {
  Array<T> rows = values;
  rows.reshape({values.size() / columns, columns});
  return rows;
}

constexpr auto magnitude = [](double w) { return std::fabs(w); };
constexpr auto square = [](double w) { return w * w; };

/// a [rows, in] times f(W)^T, f applied to each element of W [out, in]. A block of W at a time, so that f(W), 128 MiB
/// for a real layer, never exists as a whole and each block is multiplied while it is in the cache.
template <class F>
Array<double> times_transposed_map(const Array<double>& a, const Array<double>& weight, F f) {
  constexpr std::size_t kBlock = 256;
  const std::size_t out = weight.shape(0), in = weight.shape(1);
  Array<double> product = xt::zeros<double>({a.shape(0), out});
  Array<double> block;
  for (std::size_t first = 0; first < out; first += kBlock) {
    const std::size_t end = std::min(first + kBlock, out);
    block.resize({end - first, in});  // allocates for the first and the last block only
    std::transform(weight.data() + first * in, weight.data() + end * in, block.data(), f);
    xt::view(product, xt::all(), xt::range(first, end)) = times_transposed(a, block);
  }
  return product;
}

}  // namespace

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
Array<T> linear(const Array<T>& x, const LinearParameters<T>& parameters) {
  auto shape = x.shape();
  Array<T> y = times_transposed(as_rows(x, shape.back()), parameters.weight);
  if (parameters.bias) y += *parameters.bias;

  shape.back() = y.shape(1);
  y.reshape(shape);
  return y;
}

Budget linear_budget(const Array<double>& x, const LinearParameters<double>& parameters, const Array<double>& y,
                     DType storage, const Budget* dx) {
  const std::size_t in_features = parameters.weight.shape(1);
  const Array<double> products = times_transposed_map(xt::abs(as_rows(x, in_features)), parameters.weight, magnitude);
  const auto k = static_cast<double>(in_features);
  Array<double> rounding = k * kUnderflow * xt::ones<double>({parameters.weight.shape(0)});
  if (parameters.bias) rounding += kUnitRoundoff * xt::abs(*parameters.bias);

  Budget budget{linear_factor(Growth::statistical, k) * kUnitRoundoff * products + rounding,
                linear_factor(Growth::worst_case, k) * kUnitRoundoff * products + rounding};
  if (dx != nullptr) {
    const Array<double> variance = xt::square(as_rows(dx->statistical, in_features));
    budget.statistical += kKappa * xt::sqrt(times_transposed_map(variance, parameters.weight, square));
    budget.worst_case += times_transposed_map(as_rows(dx->worst_case, in_features), parameters.weight, magnitude);
  }
  budget.statistical.reshape(y.shape());
  budget.worst_case.reshape(y.shape());
  add_storage(budget, y, storage);
  return budget;
}

template LinearParameters<float> linear_parameters(const Projection&, const Weights&, std::string_view);
template LinearParameters<double> linear_parameters(const Projection&, const Weights&, std::string_view);
template LinearParameters<float> linear_parameters(const LinearInputs&);
template LinearParameters<double> linear_parameters(const LinearInputs&);
template Array<float> linear(const Array<float>&, const LinearParameters<float>&);
template Array<double> linear(const Array<double>&, const LinearParameters<double>&);

}  // namespace attest::reference
