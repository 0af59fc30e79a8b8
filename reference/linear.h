#pragma once

#include <optional>
#include <string_view>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"
#include "reference/budget.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// torch.nn.Linear's parameters.
template <class T>
struct LinearParameters {
  Array<T> weight;               ///< [out_features, in_features]
  std::optional<Array<T>> bias;  ///< [out_features]
};

/// `name`.weight and `name`.bias out of a layer's weights, for the projection called `name` ("q_proj").
template <class T>
LinearParameters<T> linear_parameters(const Projection& projection, const Weights& weights, std::string_view name);
template <class T>
LinearParameters<T> linear_parameters(const LinearInputs& inputs);

/// y [..., out_features] = x [..., in_features] W^T + bias. torch.nn.functional.linear
template <class T>
Array<T> linear(const Array<T>& x, const LinearParameters<T>& parameters);

/// Budget of that y, whose input x carries the budget dx (null where it is exact):
///
///   (sqrt(K) + 2) u |x| |W|^T + u |bias| + K underflows + half_ulp(y) + kappa sqrt(dx^2 (W^2)^T)   (elementwise
///   squares)
Budget linear_budget(const Array<double>& x, const LinearParameters<double>& parameters, const Array<double>& y,
                     DType storage, const Budget* dx);

}  // namespace attest::reference
