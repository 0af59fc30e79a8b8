#include "reference/linear_budget.h"

#include <algorithm>
#include <cmath>

namespace attest::reference {
namespace {

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

Array<double> as_rows(const Array<double>& values, std::size_t columns) {
  Array<double> rows = values;
  rows.reshape({values.size() / columns, columns});
  return rows;
}

}  // namespace

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

}  // namespace attest::reference
