#pragma once

#include <bit>
#include <cstdint>

#include "fixtures/tensor.h"

/// Outputs are filled with this quiet NaN before an implementation runs, so that an element that it never wrote shows.
namespace attest::harness {

inline constexpr std::uint32_t kUnwrittenBits = 0x7FC0DEADu;

/// A float32 tensor that holds the payload everywhere.
inline Tensor unwritten_tensor(Shape shape) {
  Tensor tensor(DType::float32, std::move(shape));
  for (float& value : tensor.as<float>()) value = std::bit_cast<float>(kUnwrittenBits);
  return tensor;
}

inline bool is_unwritten(const Tensor& tensor, std::int64_t flat) {
  return tensor.dtype() == DType::float32 &&
         std::bit_cast<std::uint32_t>(tensor.as<float>()[static_cast<std::size_t>(flat)]) == kUnwrittenBits;
}

}  // namespace attest::harness
