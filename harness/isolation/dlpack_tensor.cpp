#include "harness/isolation/dlpack_tensor.h"

#include <algorithm>
#include <stdexcept>

#include "fixtures/error.h"
#include "fixtures/require.h"

namespace attest::harness {
namespace {

Shape shape_of(const DLTensor& tensor) { return {tensor.shape, tensor.shape + tensor.ndim}; }

}  // namespace

DLDataType dlpack_type(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return {kDLFloat, 32, 1};
    case DType::bfloat16:
      return {kDLBfloat, 16, 1};
    case DType::float16:
      return {kDLFloat, 16, 1};
    case DType::float64:
      return {kDLFloat, 64, 1};
    case DType::int64:
      return {kDLInt, 64, 1};
    case DType::int32:
      return {kDLInt, 32, 1};
    case DType::boolean:
      return {kDLUInt, 8, 1};
  }
  throw std::logic_error("a dtype without a DLPack type");
}

DType dtype_of(const DLDataType& type) {
  for (const DType dtype :
       {DType::float32, DType::bfloat16, DType::float64, DType::int64, DType::int32, DType::boolean, DType::float16}) {
    const DLDataType known = dlpack_type(dtype);
    if (known.code == type.code && known.bits == type.bits && known.lanes == type.lanes) return dtype;
  }
  throw InputError("dtype", "an element type of the interface",
                   "code " + std::to_string(type.code) + " with " + std::to_string(type.bits) + " bits");
}

Tensor copy_of(const DLTensor& tensor) {
  Tensor copy(dtype_of(tensor.dtype), shape_of(tensor));
  std::copy_n(static_cast<const std::byte*>(tensor.data), copy.bytes().size(), copy.bytes().begin());
  return copy;
}

void copy_to(const DLTensor& destination, const Tensor& source) {
  const Shape shape = shape_of(destination);
  require(shape == source.shape() && dtype_of(destination.dtype) == source.dtype(), "output",
          std::string(name_of(source.dtype())) + " " + to_string(source.shape()), to_string(shape));
  std::ranges::copy(source.bytes(), static_cast<std::byte*>(destination.data));
}

}  // namespace attest::harness
