#include "optimized/block_rows.h"

#include <numeric>

#include "fixtures/block_mask.h"
#include "fixtures/validate.h"

namespace attest::optimized {

BlockRows::Lists BlockRows::lists_of(const Tensor& num_blocks, const Tensor& indices) {
  return {num_blocks.as<std::int32_t>(), indices.as<std::int32_t>(), static_cast<std::size_t>(indices.dim(3))};
}

void BlockRows::read(const BlockMask& mask, std::size_t keys) {
  if (!holds_truth_values(mask.partial_blocks)) refuse_mask_bytes();
  const BlockSize size = block_size(mask);
  partial_ = lists_of(mask.kv_num_blocks, mask.kv_indices);
  full_ = lists_of(mask.full_kv_num_blocks, mask.full_kv_indices);
  flags_ = mask.partial_blocks.as<std::uint8_t>().data();
  rows_ = static_cast<std::size_t>(mask.kv_num_blocks.dim(2));
  block_tokens_ = static_cast<std::size_t>(size.tokens);
  block_keys_ = static_cast<std::size_t>(size.keys);
  keys_ = keys;
  first_partial_.resize(partial_.counts.size());
  std::exclusive_scan(partial_.counts.begin(), partial_.counts.end(), first_partial_.begin(), std::size_t{0},
                      [](std::size_t before, auto count) { return before + static_cast<std::size_t>(count); });
}

}  // namespace attest::optimized
