#pragma once

#include <dlpack/dlpack.h>

#include "fixtures/tensor.h"

/// DLPack's element types and the contract's.
namespace attest::harness {

DLDataType dlpack_type(DType dtype);

/// Throws InputError for a type that the contract does not have.
DType dtype_of(const DLDataType& type);

/// A copy. The tensor is contiguous, as the C interface's are.
Tensor copy_of(const DLTensor& tensor);

/// Throws InputError for another shape or type.
void copy_to(const DLTensor& destination, const Tensor& source);

}  // namespace attest::harness
