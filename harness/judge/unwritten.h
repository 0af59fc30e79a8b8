#pragma once

#include <bit>
#include <cstdint>

#include "fixtures/tensor.h"

/// Outputs are filled with this quiet NaN before an implementation runs, so that an element that it never wrote shows.
namespace attest::harness {

inline constexpr std::uint32_t kUnwrittenBits = 0x7FC0DEADu;
inline constexpr std::uint16_t kUnwrittenBfloat16Bits = 0x7FDEu;

/// Fills a float32 or bfloat16 tensor with the payload; others stay as they are.
inline void mark_unwritten(Tensor& tensor) {
  if (tensor.dtype() == DType::float32) {
    for (float& value : tensor.as<float>()) value = std::bit_cast<float>(kUnwrittenBits);
  } else if (tensor.dtype() == DType::bfloat16) {
    for (bfloat16& value : tensor.as<bfloat16>()) value.bits = kUnwrittenBfloat16Bits;
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
  return tensor.dtype() == DType::bfloat16 && tensor.as<bfloat16>()[index].bits == kUnwrittenBfloat16Bits;
}

}  // namespace attest::harness
