#pragma once

#include "reference/budget.h"
#include "reference/rotary.h"

namespace attest::reference {

/// Budget of a rotated x [b, s, n, h_d], for the channel a cos - b sin of a pair (a, b); the other one likewise:
///
///   2 u (|a cos| + |b sin|) + 2 underflows + half_ulp(y) + kappa sqrt((da cos)^2 + (db sin)^2)
///
/// Where the module rounds each product to bfloat16 (Qwen2), a product computed from a deviating a may round the other
/// way: half an ulp of each product joins da cos and db sin under the root. A product of recorded inputs cannot.
Budget rotary_budget(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& y, DType storage,
                     const Budget* dx);

}  // namespace attest::reference
