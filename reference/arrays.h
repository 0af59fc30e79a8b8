#pragma once

#include "fixtures/tensor.h"
#include "reference/xtensor.h"

/// Between the contract's tensors and the arrays that the reference computes with.
namespace attest::reference {

/// The elements of a floating-point tensor as T, in the same shape. Throws InputError for an integer tensor.
template <class T>
Array<T> to_array(const Tensor& tensor);

/// The array as a tensor of `dtype` of floating point, each element rounded once.
template <class T>
Tensor to_tensor(const Array<T>& values, DType dtype);

/// Each element rounded to the storage dtype of the layer, as torch does when a module returns: to 16 bits, or not at
/// all for float32 (there T = float has nothing left to round, and the chain of the truth is defined without rounding).
template <class T>
Array<T> rounded_to(DType storage, Array<T> values);

}  // namespace attest::reference
