#pragma once

#include <optional>
#include <string_view>

#include "fixtures/case.h"
#include "fixtures/stage_inputs.h"
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

/// a [rows, n] b^T with b [columns, n], through BLAS; neither operand is copied.
template <class T>
Array<T> times_transposed(const Array<T>& a, const Array<T>& b);

}  // namespace attest::reference
