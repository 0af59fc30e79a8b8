#include "optimized/tiled_attention.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "optimized/threads.h"

namespace attest::optimized {
namespace {

/// Keys of one part where the keys are split; a multiple of kKeyBlock.
constexpr std::size_t kPartKeys = 8 * kKeyBlock;
/// With fewer tiles than this, keys are split.
constexpr std::size_t kFewTiles = 16;

}  // namespace

/// How a portion of a call is cut. Tile = ((sample - samples.first) * heads.count + head - heads.first) * token_tiles +
/// position.
struct TiledAttention::Plan {
  std::size_t group, tile_tokens, token_tiles, tiles;
  std::size_t parts;           ///< key ranges a tile; 1: not split
  std::size_t partial_floats;  ///< of one part of one tile
  std::size_t workspace;       ///< floats a thread
  int threads;

  Plan(const AttentionCall& call, const KernelTable& kernels) {
    group = call.num_heads / call.num_kv_heads;
    tile_tokens = std::clamp<std::size_t>(kernels.attention_rows / group, 1, call.tokens);
    token_tiles = (call.tokens + tile_tokens - 1) / tile_tokens;
    const std::size_t heads = call.portion.samples.count * call.portion.heads.count;
    tiles = heads * token_tiles;
    const bool few = call.samples * call.num_kv_heads * token_tiles < kFewTiles;
    parts = few ? std::max<std::size_t>((call.keys + kPartKeys - 1) / kPartKeys, 1) : 1;
    const std::size_t rows = tile_tokens * group;
    partial_floats = rows * (call.head_dim + 2);
    workspace = (kernels.attention_workspace(rows, call.head_dim) + 15) / 16 * 16;
    const std::size_t keys_values = 2 * heads * call.keys * call.head_dim;
    threads = threads_for({.multiply_adds = keys_values * group * call.tokens, .bytes = keys_values * sizeof(float)});
  }
};

void TiledAttention::read_mask(const AttentionCall& call, CallClock& clock) {
  const std::size_t tile_tokens = Plan(call, kernels_).tile_tokens;
  mask_map_.build(call.mask, call.is_causal, {call.samples, call.tokens, call.keys, tile_tokens}, clock);
}

void TiledAttention::run(const AttentionCall& call, CallClock& clock) {
  const Plan plan(call, kernels_);
  thread_space_.reserve(plan.workspace * plan.threads);
  if (plan.parts > 1) partial_.reserve(plan.tiles * plan.parts * plan.partial_floats);
  run_tiles(call, plan, clock);
}

AttentionTile TiledAttention::tile_of(const AttentionCall& call, const Plan& plan, std::size_t tile) const {
  const std::size_t position = tile % plan.token_tiles, token = position * plan.tile_tokens;
  const auto& [samples, heads] = call.portion;
  const std::size_t kv_head = heads.first + tile / plan.token_tiles % heads.count;
  const std::size_t sample = samples.first + tile / plan.token_tiles / heads.count;
  AttentionTile t{};
  t.q = call.q.at(sample, token, kv_head * plan.group);
  t.out = call.out.at(sample, token, kv_head * plan.group);
  t.q_token_stride = call.q.token_stride;
  t.q_head_stride = call.q.head_stride;
  t.out_token_stride = call.out.token_stride;
  t.out_head_stride = call.out.head_stride;
  t.tokens = std::min(plan.tile_tokens, call.tokens - token);
  t.group = plan.group;
  t.head_dim = call.head_dim;
  // The log2 domain saves a rounding; a float mask could overflow in it, and is added to the scores as torch adds it.
  const bool natural = std::holds_alternative<FloatMask>(call.mask);
  const double scale = 1 / std::sqrt(static_cast<double>(call.head_dim));
  t.score_scale = static_cast<float>(natural ? scale : scale * std::numbers::log2e);
  t.to_log2 = natural ? static_cast<float>(std::numbers::log2e) : 1.0f;
  t.keys = call.keys_values.keys(sample, kv_head);
  t.values = call.keys_values.values(sample, kv_head);
  t.value_panel_stride = call.keys_values.value_panel_stride();
  t.key_end = call.keys;
  t.empty_slots = call.empty_slots;
  t.values_finite = call.keys_values.values_finite(sample, kv_head);
  t.first_token = token;
  const auto runs = mask_map_.runs(sample, position);
  if (runs.empty()) {
    t.mask = mask_map_.rows(sample);
    t.visibility = mask_map_.blocks(sample, position);
  } else {
    t.runs = runs.data();
    t.key_begin = std::ranges::min(runs, {}, &KeyRun::begin).begin;
    t.key_end = std::ranges::max(runs, {}, &KeyRun::end).end;
  }
  return t;
}

void TiledAttention::run_tiles(const AttentionCall& call, const Plan& plan, CallClock& clock) {
  for_each_item(plan.tiles * plan.parts, plan.threads, clock, [&](std::size_t item, const Worker& worker) {
    // Late tokens first: under causality they have the most keys.
    const std::size_t tile = plan.tiles - 1 - item / plan.parts, part = item % plan.parts;
    AttentionTile t = tile_of(call, plan, tile);
    t.workspace = thread_space_.data() + plan.workspace * worker.thread;
    t.clock = worker.clock;
    if (plan.parts > 1) {
      t.key_begin = std::max(t.key_begin, part * kPartKeys);
      t.key_end = std::min(t.key_end, (part + 1) * kPartKeys);
      if (part > 0) t.empty_slots = 0;
      t.partial = partial_.data() + (tile * plan.parts + part) * plan.partial_floats;
    }
    kernels_.attend(t);
  });
  if (plan.parts == 1) return;
  const std::size_t floats = plan.tiles * plan.parts * plan.partial_floats;
  const int threads = threads_for({.multiply_adds = floats, .bytes = floats * sizeof(float)});
  for_each_item(plan.tiles, threads, clock, [&](std::size_t tile, const Worker& worker) {
    merge(call, plan, tile);
    worker.end_of(Part::values);
  });
}

void TiledAttention::merge(const AttentionCall& call, const Plan& plan, std::size_t tile) {
  const AttentionTile t = tile_of(call, plan, tile);
  const float* partial = partial_.data() + tile * plan.parts * plan.partial_floats;
  kernels_.merge_partials({partial, plan.parts, plan.partial_floats, t.out, t.out_token_stride, t.out_head_stride,
                           t.tokens, t.group, t.head_dim, t.to_log2});
}

}  // namespace attest::optimized
