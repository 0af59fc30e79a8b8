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

/// How far the rounding of a product c table may move because c does, by dc: as add_storage, at the far end.
Array<double> moved_rounding(const Array<double>& product, const Array<double>& moved, DType product_dtype) {
  if (product_dtype == DType::float32) return xt::zeros_like(product);
  return half_ulps(xt::abs(product) + xt::abs(moved), product_dtype);
}

Array<double> propagated(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& dx) {
  const auto [a, b] = split_pairs(x, rotation.pairs);
  const auto [da, db] = split_pairs(dx, rotation.pairs);
  const auto variance = [&](const Array<double>& c, const Array<double>& dc, const Array<double>& table) {
    const Array<double> rounding = moved_rounding(c * table, dc * table, rotation.product_dtype);
    return Array<double>(xt::square(dc * table) + xt::square(rounding));
  };
  const Array<double> first = xt::sqrt(variance(a, da, rotation.cos) + variance(b, db, rotation.sin));
  const Array<double> second = xt::sqrt(variance(b, db, rotation.cos) + variance(a, da, rotation.sin));
  return join_pairs<double>({first, second}, rotation.pairs);
}

Array<double> propagated_worst_case(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& dx) {
  const auto [a, b] = split_pairs(x, rotation.pairs);
  const auto [da, db] = split_pairs(dx, rotation.pairs);
  const auto deviation = [&](const Array<double>& c, const Array<double>& dc, const Array<double>& table) {
    const Array<double> rounding = moved_rounding(c * table, dc * table, rotation.product_dtype);
    return Array<double>(xt::abs(dc * table) + 2 * rounding);
  };
  const Array<double> first = deviation(a, da, rotation.cos) + deviation(b, db, rotation.sin);
  const Array<double> second = deviation(b, db, rotation.cos) + deviation(a, da, rotation.sin);
  return join_pairs<double>({first, second}, rotation.pairs);
}

}  // namespace

Budget rotary_budget(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& y, DType storage,
                     const Budget* dx) {
  const Array<double> local = kRotaryFactor * (kUnitRoundoff * magnitudes(x, rotation) + kUnderflow);
  Budget budget{local, local};
  if (dx != nullptr) {
    budget.statistical += kKappa * propagated(x, rotation, dx->statistical);
    budget.worst_case += propagated_worst_case(x, rotation, dx->worst_case);
  }
  add_storage(budget, y, storage);
  return budget;
}

}  // namespace attest::reference
