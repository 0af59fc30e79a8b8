#include "harness/verdict/head_layout.h"

#include <algorithm>

#include "fixtures/error.h"

namespace attest::harness {

Tensor reshaped(const Tensor& tensor, Shape shape) {
  Tensor result(tensor.dtype(), std::move(shape));
  if (result.size() != tensor.size()) {
    throw InputError("shape", std::to_string(tensor.size()) + " elements", to_string(result.shape()));
  }
  std::ranges::copy(tensor.bytes(), result.bytes().begin());
  return result;
}

Tensor with_middle_axes_swapped(const Tensor& tensor) {
  if (tensor.rank() != 4) throw InputError("shape", "four axes", to_string(tensor.shape()));
  const auto b = tensor.dim(0), s = tensor.dim(1), n = tensor.dim(2), h_d = tensor.dim(3);
  Tensor result(tensor.dtype(), {b, n, s, h_d});
  const std::size_t row_bytes = static_cast<std::size_t>(h_d) * size_of(tensor.dtype());
  const auto row_of = [&](std::int64_t row) {
    return tensor.bytes().subspan(static_cast<std::size_t>(row) * row_bytes, row_bytes);
  };
  auto to = result.bytes().begin();
  for (std::int64_t sample = 0; sample < b; ++sample) {
    for (std::int64_t head = 0; head < n; ++head) {
      for (std::int64_t token = 0; token < s; ++token) {
        to = std::ranges::copy(row_of((sample * s + token) * n + head), to).out;
      }
    }
  }
  return result;
}

}  // namespace attest::harness
