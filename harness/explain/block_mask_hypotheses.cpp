#include <algorithm>
#include <cmath>
#include <memory>
#include <numeric>
#include <vector>

#include "fixtures/block_mask.h"
#include "harness/explain/attention_hypotheses.h"
#include "reference/masks.h"

namespace attest::harness::explain {
namespace {

/// The tokens of all rows, each moved into the row of blocks after its own, but for the last row.
std::vector<std::int64_t> one_row_of_blocks_on(const BlockMask& mask, std::int64_t s_x) {
  const std::int64_t block = block_size(mask).tokens, end = mask.kv_num_blocks.dim(2) * block;
  std::vector<std::int64_t> tokens(static_cast<std::size_t>(s_x));
  std::iota(tokens.begin(), tokens.end(), 0);
  for (std::int64_t& token : tokens) token += token + block < end ? block : 0;
  return tokens;
}

BlockMask one_column_on(BlockMask mask) {
  const auto columns = static_cast<std::int32_t>(mask.kv_indices.dim(3));
  for (Tensor* indices : {&mask.kv_indices, &mask.full_kv_indices}) {
    for (std::int32_t& column : indices->as<std::int32_t>()) column = (column + 1) % columns;
  }
  return mask;
}

BlockMask with_whole_blocks(BlockMask mask) {
  std::ranges::fill(mask.partial_blocks.as<std::uint8_t>(), std::uint8_t{1});
  return mask;
}

/// The keys of the last block that a row of blocks sees in part weigh twice.
Weigh last_partial_block_twice(const BlockMask& mask) {
  return [&mask](const ScoredRow& row) {
    const auto [tokens, keys] = block_size(mask);
    const auto blocks = SeenBlocks(mask).row(row.at.b, row.at.h, row.at.i / tokens);
    const auto full = std::ranges::find_if(blocks, [](const SeenBlock& block) { return block.shown.empty(); });
    ScoredRow twice = row;
    if (full == blocks.begin()) return softmax(twice);
    const auto s_k = static_cast<std::int64_t>(row.scores.size()), first = std::prev(full)->column * keys;
    for (std::int64_t j = first; j < std::min(first + keys, s_k); ++j) {
      twice.scores[static_cast<std::size_t>(j)] += std::log(2.0);
    }
    return softmax(twice);
  };
}

}  // namespace

Hypotheses block_mask_hypotheses(const AttentionModel& right, const BlockMask& mask) {
  Hypotheses all;
  const auto add = [&](const char* id, const char* words, const Tensor& visible) {
    const Mask given = BoolMask{visible};
    reference::AttentionMask<double> seen = reference::attention_mask<double>(
        given, false, reference::all_rows(visible.dim(0), visible.dim(2)), right.keys());
    seen.kept = right.mask->kept;
    AttentionModel wrong = right;
    wrong.mask = std::make_shared<const reference::AttentionMask<double>>(std::move(seen));
    all.push_back(hypothesis({id, words}, wrong));
  };
  add("partial_block_full", "a block that is seen in part is seen as a whole",
      dense_mask(with_whole_blocks(mask), right.tokens(), right.keys()));
  add("block_column_shifted", "each block of keys is taken for the next one, the last for the first",
      dense_mask(one_column_on(mask), right.tokens(), right.keys()));
  std::vector<std::int64_t> samples(static_cast<std::size_t>(mask.kv_num_blocks.dim(0)));
  std::iota(samples.begin(), samples.end(), 0);
  add("block_row_shifted", "the blocks of the next row of blocks are read, in the last its own",
      dense_rows(mask, samples, one_row_of_blocks_on(mask, right.tokens()), right.keys()));
  AttentionModel twice = right;
  twice.weigh = last_partial_block_twice(mask);
  all.push_back(
      hypothesis({"block_twice", "the last block that a row of blocks sees in part is counted twice"}, twice));
  return all;
}

}  // namespace attest::harness::explain
