#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fixtures/case.h"

namespace attest::optimized {

/// What a BlockMask shows to each token: the blocks that its row of blocks lists, and nothing of any other. Masks are
/// numbered sample * heads + head.
class BlockRows {
 public:
  /// Borrows a validated mask of a call with so many keys; allocates only for more rows of blocks than ever before.
  /// Throws InputError where a byte of partial_blocks is neither 0 nor 1.
  void read(const BlockMask& mask, std::size_t keys);

  /// Calls visit(first_key, end_key, flags) for every block, in no order; of flags there is one a key, and none where
  /// it sees them all.
  template <class Visit>
  void visit(std::size_t mask, std::size_t token, const Visit& visit) const {
    const std::size_t row = mask * rows_ + token / block_tokens_;
    const auto see = [&](std::int32_t column, const std::uint8_t* flags) {
      const std::size_t first = static_cast<std::size_t>(column) * block_keys_;
      visit(first, std::min(first + block_keys_, keys_), flags);
    };
    std::size_t block = first_partial_[row];
    for (const std::int32_t column : partial_.of(row)) {
      see(column, flags_ + (block++ * block_tokens_ + token % block_tokens_) * block_keys_);
    }
    for (const std::int32_t column : full_.of(row)) see(column, nullptr);
  }

 private:
  struct Lists {
    std::span<const std::int32_t> counts, columns;
    std::size_t width = 0;  ///< of each row of columns

    std::span<const std::int32_t> of(std::size_t row) const {
      return columns.subspan(row * width, static_cast<std::size_t>(counts[row]));
    }
  };
  static Lists lists_of(const Tensor& num_blocks, const Tensor& indices);

  Lists partial_, full_;
  const std::uint8_t* flags_ = nullptr;     ///< [partial blocks, block_tokens_, block_keys_]
  std::vector<std::size_t> first_partial_;  ///< of each row of blocks
  std::size_t rows_ = 0, block_tokens_ = 0, block_keys_ = 0, keys_ = 0;
};

}  // namespace attest::optimized
