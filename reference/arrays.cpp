#include "reference/arrays.h"

#include <algorithm>

#include "fixtures/error.h"

namespace attest::reference {
namespace {

template <class T, class Stored>
void copy_as(const Tensor& tensor, Array<T>& values) {
  std::ranges::transform(tensor.as<Stored>(), values.data(), [](Stored element) {
    if constexpr (std::is_same_v<Stored, bfloat16>) {
      return static_cast<T>(to_float(element));
    } else {
      return static_cast<T>(element);
    }
  });
}

}  // namespace

template <class T>
Array<T> to_array(const Tensor& tensor) {
  Array<T> values(typename Array<T>::shape_type(tensor.shape().begin(), tensor.shape().end()));
  switch (tensor.dtype()) {
    case DType::float32:
      copy_as<T, float>(tensor, values);
      break;
    case DType::float64:
      copy_as<T, double>(tensor, values);
      break;
    case DType::bfloat16:
      copy_as<T, bfloat16>(tensor, values);
      break;
    case DType::int64:
    case DType::int32:
    case DType::boolean:
      throw InputError("tensor", "a floating-point dtype", std::string(name_of(tensor.dtype())));
  }
  return values;
}

template <class T>
Tensor to_tensor(const Array<T>& values, DType dtype) {
  Tensor tensor(dtype, Shape(values.shape().begin(), values.shape().end()));
  const std::span<const T> elements(values.data(), values.size());
  switch (dtype) {
    case DType::float32:
      std::ranges::transform(elements, tensor.as<float>().begin(), [](T v) { return static_cast<float>(v); });
      break;
    case DType::float64:
      std::ranges::copy(elements, tensor.as<double>().begin());
      break;
    case DType::bfloat16:
      std::ranges::transform(elements, tensor.as<bfloat16>().begin(), [](T v) { return round_to_bfloat16(v); });
      break;
    case DType::int64:
    case DType::int32:
    case DType::boolean:
      throw InputError("tensor", "a floating-point dtype", std::string(name_of(dtype)));
  }
  return tensor;
}

template <class T>
Array<T> rounded_to(DType storage, Array<T> values) {
  if (storage == DType::bfloat16) {
    for (T& value : values) value = static_cast<T>(to_float(round_to_bfloat16(value)));
  }
  return values;
}

template Array<float> to_array(const Tensor&);
template Array<double> to_array(const Tensor&);
template Tensor to_tensor(const Array<float>&, DType);
template Tensor to_tensor(const Array<double>&, DType);
template Array<float> rounded_to(DType, Array<float>);
template Array<double> rounded_to(DType, Array<double>);

}  // namespace attest::reference
