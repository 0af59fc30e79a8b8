#include "harness/bug_zoo/block_mask.h"

#include <algorithm>
#include <numeric>

#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {

BlockMask::BlockMask(const attest_attention& call, const Recipe& recipe) : call_(call), recipe_(recipe) {
  if (call.kv_num_blocks == nullptr) return;
  n_h_ = extent(*call.kv_indices, 1);
  rows_ = extent(*call.kv_indices, 2);
  columns_ = extent(*call.kv_indices, 3);
  tokens_ = extent(*call.partial_blocks, 1);
  keys_ = extent(*call.partial_blocks, 2);
  const auto* counts = elements<std::int32_t>(*call.kv_num_blocks);
  const std::int64_t lists = element_count(*call.kv_num_blocks);
  first_partial_.resize(static_cast<std::size_t>(lists));
  std::exclusive_scan(counts, counts + lists, first_partial_.begin(), std::int64_t{0});
}

/// The row of blocks of a row, counted through all samples and heads.
std::int64_t BlockMask::list_of(const Row& row) const {
  const std::int64_t b = std::min(row.sample, extent(*call_.kv_num_blocks, 0) - 1);
  const std::int64_t h = recipe_.has(Bug::blocks_of_first_head) ? 0 : std::min(row.head, n_h_ - 1);
  std::int64_t block = row.token / tokens_;
  if (recipe_.has(Bug::block_row_off_by_one)) block = std::min(block + 1, rows_ - 1);
  return (b * n_h_ + h) * rows_ + block;
}

std::int64_t BlockMask::column_of(std::int64_t listed) const {
  return recipe_.has(Bug::block_column_off_by_one) ? (listed + 1) % columns_ : listed;
}

bool BlockMask::shows_partly(std::int64_t block, const Row& row, std::int64_t key) const {
  if (recipe_.has(Bug::partial_block_taken_as_full)) return true;
  const std::int64_t at = (block * tokens_ + row.token % tokens_) * keys_ + key % keys_;
  return elements<std::uint8_t>(*call_.partial_blocks)[at] != 0;
}

int BlockMask::visits(const Row& row, std::int64_t key) const {
  if (call_.kv_num_blocks == nullptr) return 1;
  const std::int64_t list = list_of(row), column = key / keys_;
  const std::int32_t partial = elements<std::int32_t>(*call_.kv_num_blocks)[list];
  for (std::int32_t n = 0; n < partial; ++n) {
    if (column_of(elements<std::int32_t>(*call_.kv_indices)[list * columns_ + n]) != column) continue;
    if (!shows_partly(first_partial_[static_cast<std::size_t>(list)] + n, row, key)) return 0;
    return recipe_.has(Bug::last_partial_block_twice) && n == partial - 1 ? 2 : 1;
  }
  const auto* full = elements<std::int32_t>(*call_.full_kv_indices) + list * columns_;
  const auto* end = full + elements<std::int32_t>(*call_.full_kv_num_blocks)[list];
  return std::any_of(full, end, [&](std::int32_t listed) { return column_of(listed) == column; }) ? 1 : 0;
}

}  // namespace attest::bug_zoo
