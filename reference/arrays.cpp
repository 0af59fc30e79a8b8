#include "reference/arrays.h"

#include <algorithm>

#include "fixtures/floating_point.h"

namespace attest::reference {

template <class T>
Array<T> to_array(const Tensor& tensor) {
  Array<T> values(typename Array<T>::shape_type(tensor.shape().begin(), tensor.shape().end()));
  visit_floating_point(tensor, [&](auto elements) {
    std::ranges::transform(elements, values.data(), [](auto element) { return converted<T>(element); });
  });
  return values;
}

template <class T>
Tensor to_tensor(const Array<T>& values, DType dtype) {
  Tensor tensor(dtype, Shape(values.shape().begin(), values.shape().end()));
  visit_floating_point(tensor, [&]<class Stored>(std::span<Stored> elements) {
    std::ranges::transform(std::span(values.data(), values.size()), elements.begin(),
                           [](T value) { return converted<Stored>(value); });
  });
  return tensor;
}

template <class T>
Array<T> rounded_to(DType storage, Array<T> values) {
  if (storage == DType::float32) return values;
  for (T& value : values) value = static_cast<T>(stored_in(storage, static_cast<double>(value)));
  return values;
}

template Array<float> to_array(const Tensor&);
template Array<double> to_array(const Tensor&);
template Tensor to_tensor(const Array<float>&, DType);
template Tensor to_tensor(const Array<double>&, DType);
template Array<float> rounded_to(DType, Array<float>);
template Array<double> rounded_to(DType, Array<double>);

}  // namespace attest::reference
