#include "reference/rotary_budget.h"

namespace attest::reference {
namespace {

/// |a cos| + |b sin| and |b cos| + |a sin|, for the channels a and b of each pair.
Array<double> magnitudes(const Array<double>& x, const Rotation<double>& rotation) {
  const auto& [cos, sin, pairs, product_dtype] = rotation;
  const auto [a, b] = split_pairs(x, pairs);
  const Array<double> first = xt::abs(a * cos) + xt::abs(b * sin);
  const Array<double> second = xt::abs(b * cos) + xt::abs(a * sin);
  return join_pairs<double>({first, second}, pairs);
}

/// How far a rounded product may move because its factor did.
Array<double> moved_rounding(const Array<double>& product, DType product_dtype) {
  if (product_dtype == DType::float32) return xt::zeros_like(product);
  return half_ulps(product, product_dtype);
}

Array<double> propagated(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& dx) {
  const auto& [cos, sin, pairs, product_dtype] = rotation;
  const auto [a, b] = split_pairs(x, pairs);
  const auto [da, db] = split_pairs(dx, pairs);
  const auto variance = [&](const Array<double>& c, const Array<double>& dc, const Array<double>& table) {
    const Array<double> moved = moved_rounding(c * table, product_dtype);
    return Array<double>(xt::square(dc * table) + xt::square(moved));
  };
  const Array<double> first = xt::sqrt(variance(a, da, cos) + variance(b, db, sin));
  const Array<double> second = xt::sqrt(variance(b, db, cos) + variance(a, da, sin));
  return join_pairs<double>({first, second}, pairs);
}

Array<double> propagated_worst_case(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& dx) {
  const auto& [cos, sin, pairs, product_dtype] = rotation;
  const auto [a, b] = split_pairs(x, pairs);
  const auto [da, db] = split_pairs(dx, pairs);
  const auto deviation = [&](const Array<double>& c, const Array<double>& dc, const Array<double>& table) {
    const Array<double> moved = moved_rounding(c * table, product_dtype);
    return Array<double>(xt::abs(dc * table) + 2 * moved);
  };
  const Array<double> first = deviation(a, da, cos) + deviation(b, db, sin);
  const Array<double> second = deviation(b, db, cos) + deviation(a, da, sin);
  return join_pairs<double>({first, second}, pairs);
}

}  // namespace

Budget rotary_budget(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& y, DType storage,
                     const Budget* dx) {
  const Array<double> local =
      kRotaryFactor * (kUnitRoundoff * magnitudes(x, rotation) + kUnderflow) + half_ulps(y, storage);
  if (dx == nullptr) return {local, local};
  return {local + kKappa * propagated(x, rotation, dx->statistical),
          local + propagated_worst_case(x, rotation, dx->worst_case)};
}

}  // namespace attest::reference
