#include "reference/norm_budget.h"

#include <cmath>
#include <span>

namespace attest::reference {
namespace {

/// One row: x and its normalised form, both [h_d].
struct NormRow {
  std::span<const double> x;
  double reciprocal_rms;
  double normalised(std::size_t i) const { return x[i] * reciprocal_rms; }
};

NormRow norm_row(std::span<const double> x, double eps) {
  double squares = 0;
  for (const double element : x) squares += element * element;
  return {x, 1 / std::sqrt(squares / static_cast<double>(x.size()) + eps)};
}

void add_propagated(const NormRow& row, const Array<double>& scale, std::span<const double> dx, std::span<double> out) {
  const auto h_d = static_cast<double>(row.x.size());
  double squares = 0;  // sum_j (x^_j dx_j)^2
  for (std::size_t j = 0; j < dx.size(); ++j) squares += std::pow(row.normalised(j) * dx[j], 2);
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const double x_hat = row.normalised(i);
    const double own = (1 - x_hat * x_hat / h_d) * dx[i];
    const double others = std::pow(x_hat / h_d, 2) * (squares - std::pow(x_hat * dx[i], 2));
    out[i] += kKappa * std::fabs(scale(i)) * row.reciprocal_rms * std::sqrt(own * own + std::max(others, 0.0));
  }
}

void add_worst_case(const NormRow& row, const Array<double>& scale, std::span<const double> dx, std::span<double> out) {
  const auto h_d = static_cast<double>(row.x.size());
  double sum = 0;
  for (std::size_t j = 0; j < dx.size(); ++j) sum += std::fabs(row.normalised(j)) * dx[j];
  for (std::size_t i = 0; i < dx.size(); ++i) {
    const double deviation = dx[i] + std::fabs(row.normalised(i)) * sum / h_d;
    out[i] += std::fabs(scale(i)) * row.reciprocal_rms * deviation;
  }
}

}  // namespace

Budget norm_budget(const Array<double>& x, const RMSNormParameters<double>& parameters, const Array<double>& y,
                   DType storage, const Budget* dx) {
  const std::size_t h_d = x.shape().back();
  const auto n = static_cast<double>(h_d);
  const Array<double> underflow = kUnderflow * (1 + xt::abs(parameters.scale));
  Budget budget{norm_factor(Growth::statistical, n) * kUnitRoundoff * xt::abs(y) + underflow,
                norm_factor(Growth::worst_case, n) * kUnitRoundoff * xt::abs(y) + underflow};
  for (std::size_t first = 0; dx != nullptr && first < x.size(); first += h_d) {
    const NormRow row = norm_row({x.data() + first, h_d}, parameters.eps);
    add_propagated(row, parameters.scale, {dx->statistical.data() + first, h_d},
                   {budget.statistical.data() + first, h_d});
    add_worst_case(row, parameters.scale, {dx->worst_case.data() + first, h_d},
                   {budget.worst_case.data() + first, h_d});
  }
  add_storage(budget, y, storage);
  return budget;
}

}  // namespace attest::reference
