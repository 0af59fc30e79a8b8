#pragma once

#include "reference/budget.h"
#include "reference/linear.h"

namespace attest::reference {

/// Budget of y [..., out_features] = x W^T + bias, whose input x [..., in_features] carries the budget dx:
///
///   (sqrt(K) + 2) u |x| |W|^T + u |bias| + K underflows + half_ulp(y) + kappa sqrt(dx^2 (W^2)^T)   (elementwise
///   squares)
Budget linear_budget(const Array<double>& x, const LinearParameters<double>& parameters, const Array<double>& y,
                     DType storage, const Budget* dx);

}  // namespace attest::reference
