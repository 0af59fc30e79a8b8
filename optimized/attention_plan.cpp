#include "optimized/attention_plan.h"

#include <algorithm>
#include <numbers>

#include "fixtures/overloaded.h"
#include "optimized/threads.h"

namespace attest::optimized {
namespace {

std::size_t parts_of(std::size_t count, std::size_t size) { return (count + size - 1) / size; }

}  // namespace

MaskClass class_of(const Mask& mask, bool is_causal) {
  return std::visit(overloaded{[&](const NoMask&) { return is_causal ? MaskClass::causal : MaskClass::everything; },
                               [](const BoolMask&) { return MaskClass::boolean; },
                               [](const FloatMask&) { return MaskClass::additive; },
                               [](const PackedBlockCausalMask&) { return MaskClass::documents; },
                               [](const BlockMask&) { return MaskClass::blocks; }},
                    mask);
}

std::size_t heads_of(const Mask& mask) {
  const auto* blocks = std::get_if<BlockMask>(&mask);
  return blocks == nullptr ? 1 : static_cast<std::size_t>(blocks->kv_num_blocks.dim(1));
}

AttentionPlan::AttentionPlan(const AttentionShape& of, const Execution<float>& execution)
    : shape(of), all_threads(execution.threads), group(of.num_heads / of.num_kv_heads) {
  const Blocking& blocking = execution.blocking;
  tile_heads = shape.mask_heads > 1 ? 1 : group;
  head_tiles = group / tile_heads;
  tile_tokens = std::clamp<std::size_t>(blocking.attention_rows / tile_heads, 1, shape.tokens);
  token_tiles = parts_of(shape.tokens, tile_tokens);
  part_keys = blocking.part_keys;
  const bool few = shape.samples * shape.num_kv_heads * head_tiles * token_tiles < blocking.few_tiles;
  const auto parts_with = [&](std::size_t keys) {
    return few ? std::max<std::size_t>(parts_of(keys, part_keys), 1) : 1;
  };
  parts = parts_with(shape.keys);
  most_parts = parts_with(shape.keys + shape.empty_slots);
  const std::size_t rows = tile_tokens * tile_heads;
  partial_floats = rows * (shape.head_dim + 2);
  const auto whole_lines = [](std::size_t floats) { return parts_of(floats, 16) * 16; };
  tile_floats = whole_lines(execution.kernels.attention_workspace(rows, shape.head_dim));
  const std::size_t flags = shape.mask == MaskClass::blocks ? tile_tokens * shape.keys : 0;
  thread_floats = tile_floats + whole_lines(parts_of(flags, sizeof(float)));
  // The log2 domain saves a rounding; a float mask could overflow in it, and is added to the scores as torch adds it.
  const bool natural = shape.mask == MaskClass::additive;
  score_scale = static_cast<float>(natural ? shape.score_scale : shape.score_scale * std::numbers::log2e);
  to_log2 = natural ? static_cast<float>(std::numbers::log2e) : 1.0F;
}

std::size_t AttentionPlan::tiles(const Portion& portion) const {
  return portion.samples.count * portion.heads.count * head_tiles * token_tiles;
}

int AttentionPlan::threads(const Portion& portion) const {
  const std::size_t read = 2 * portion.samples.count * portion.heads.count * shape.keys * shape.head_dim;
  return threads_for({.multiply_adds = read * group * shape.tokens, .bytes = read * sizeof(float)}, all_threads);
}

std::size_t AttentionPlan::workspace(const Portion& portion) const {
  const std::size_t partial = most_parts > 1 ? tiles(portion) * most_parts * partial_floats : 0;
  return thread_floats * static_cast<std::size_t>(all_threads) + partial;
}

}  // namespace attest::optimized
