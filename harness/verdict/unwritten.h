#pragma once

#include <bit>
#include <cstdint>

#include "fixtures/tensor.h"

/// Outputs are filled with this quiet NaN before an implementation runs, so that an element that it never wrote shows.
namespace attest::harness {

inline constexpr std::uint32_t kUnwrittenBits = 0x7FC0DEADu;
inline constexpr std::uint16_t kUnwrittenBits16 = 0x7FDEu;  ///< a quiet NaN as a bfloat16 and as a float16

/// Fills a float32, bfloat16 or float16 tensor with the payload; others stay as they are.
inline void mark_unwritten(Tensor& tensor) {
  if (tensor.dtype() == DType::float32) {
    for (float& value : tensor.as<float>()) value = std::bit_cast<float>(kUnwrittenBits);
  } else if (tensor.dtype() == DType::bfloat16) {
    for (bfloat16& value : tensor.as<bfloat16>()) value.bits = kUnwrittenBits16;
  } else if (tensor.dtype() == DType::float16) {
    for (float16& value : tensor.as<float16>()) value.bits = kUnwrittenBits16;
  }
}

/// A float32 tensor that holds the payload everywhere.
inline Tensor unwritten_tensor(Shape shape) {
  Tensor tensor(DType::float32, std::move(shape));
  mark_unwritten(tensor);
  return tensor;
}

inline bool is_unwritten(const Tensor& tensor, std::int64_t flat) {
  const auto index = static_cast<std::size_t>(flat);
  if (tensor.dtype() == DType::float32)
    return std::bit_cast<std::uint32_t>(tensor.as<float>()[index]) == kUnwrittenBits;
  if (tensor.dtype() == DType::float16) return tensor.as<float16>()[index].bits == kUnwrittenBits16;
  return tensor.dtype() == DType::bfloat16 && tensor.as<bfloat16>()[index].bits == kUnwrittenBits16;
}

}  // namespace attest::harness
