#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "fixtures/tensor.h"
#include "reference/truth.h"

/// Copies of parts along one axis. Any dtype; only bytes move.
namespace attest::harness {

/// Entries [first, first + count) of an axis.
Tensor slice(const Tensor& tensor, std::size_t axis, std::int64_t first, std::int64_t count);

/// The given entries of an axis, in that order; an entry may occur more than once.
Tensor picked(const Tensor& tensor, std::size_t axis, const std::vector<std::int64_t>& entries);

/// Heads [b, n, s, h_d] -> [tokens, n, h_d]: of these tokens alone.
Tensor rows_of_tokens(const Tensor& heads, std::span<const reference::TokenIndex> tokens);

/// Tensors joined along an axis.
Tensor joined(const std::vector<Tensor>& parts, std::size_t axis);

/// Writes `part` over the entries first, first + 1, ... of an axis; their other axes are alike.
void overwrite(Tensor& tensor, std::size_t axis, std::int64_t first, const Tensor& part);

}  // namespace attest::harness
