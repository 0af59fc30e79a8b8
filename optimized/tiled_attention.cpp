#include "optimized/tiled_attention.h"

#include <algorithm>

#include "optimized/threads.h"

namespace attest::optimized {
namespace {

struct TilePlace {
  std::size_t sample, kv_head;
  std::size_t head;      ///< the first query head
  std::size_t position;  ///< among the tiles of these heads
};

TilePlace place_of(const AttentionCall& call, std::size_t tile) {
  const AttentionPlan& plan = call.plan;
  const auto& [samples, heads] = call.portion;
  const std::size_t of_group = tile / plan.token_tiles, group = of_group / plan.head_tiles;
  const std::size_t kv_head = heads.first + group % heads.count;
  return {.sample = samples.first + group / heads.count,
          .kv_head = kv_head,
          .head = kv_head * plan.group + of_group % plan.head_tiles * plan.tile_heads,
          .position = tile % plan.token_tiles};
}

/// From this token and head on; nothing is kept where p is 1.
KeptWeights kept_by(const Dropout& dropout, std::size_t sample, std::size_t head, std::size_t token) {
  if (dropout.keep == nullptr) return {};
  const Tensor& keep = *dropout.keep;  // [b, n_h, s_x, s_k]
  const auto heads = static_cast<std::size_t>(keep.dim(1)), tokens = static_cast<std::size_t>(keep.dim(2)),
             keys = static_cast<std::size_t>(keep.dim(3));
  return {.flags = keep.as<std::uint8_t>().data() + ((sample * heads + head) * tokens + token) * keys,
          .token_stride = keys,
          .head_stride = tokens * keys,
          .factor = dropout.p < 1 ? static_cast<float>(1 / (1 - dropout.p)) : 0.0F};
}

/// Without its mask.
AttentionTile<float> tile_of(const AttentionCall& call, std::size_t tile) {
  const AttentionPlan& plan = call.plan;
  const auto& [sample, kv_head, head, position] = place_of(call, tile);
  const std::size_t token = position * plan.tile_tokens;
  return {.q = call.q.at(sample, token, head),
          .out = call.out.at(sample, token, head),
          .q_token_stride = call.q.token_stride,
          .q_head_stride = call.q.head_stride,
          .out_token_stride = call.out.token_stride,
          .out_head_stride = call.out.head_stride,
          .tokens = std::min(plan.tile_tokens, plan.shape.tokens - token),
          .group = plan.tile_heads,
          .head_dim = plan.shape.head_dim,
          .score_scale = plan.score_scale,
          .to_log2 = plan.to_log2,
          .keys = call.keys_values.keys(sample, kv_head),
          .values = call.keys_values.values(sample, kv_head),
          .capacity = call.keys_values.capacity(),
          .key_end = plan.shape.keys,
          .empty_slots = plan.shape.empty_slots,
          .values_finite = call.keys_values.values_finite(sample, kv_head),
          .first_token = 0,
          .kept = kept_by(call.dropout, sample, head, token)};
}

void set_mask(const MaskMap::Tile& seen, AttentionTile<float>& t) {
  if (seen.runs.empty()) {
    t.mask = seen.rows;
    t.first_token = seen.first_row;
    t.visibility = seen.visibility;
  } else {
    t.runs = seen.runs.data();
    t.key_begin = std::ranges::min(seen.runs, {}, &KeyRun::begin).begin;
    t.key_end = std::ranges::max(seen.runs, {}, &KeyRun::end).end;
  }
}

/// Joins the parts of every tile.
void merge(const KernelTable& kernels, const AttentionCall& call, const float* partials, CallClock& clock) {
  const AttentionPlan& plan = call.plan;
  const std::size_t tiles = plan.tiles(call.portion), floats = plan.parts * plan.partial_floats;
  const int threads =
      threads_for({.multiply_adds = tiles * floats, .bytes = tiles * floats * sizeof(float)}, plan.all_threads);
  for_each_item(tiles, threads, clock, [&](std::size_t tile, const Worker& worker) {
    const AttentionTile<float> t = tile_of(call, tile);
    kernels.merge_partials({.partial = partials + tile * floats,
                            .parts = plan.parts,
                            .part_stride = plan.partial_floats,
                            .out = t.out,
                            .out_token_stride = t.out_token_stride,
                            .out_head_stride = t.out_head_stride,
                            .tokens = t.tokens,
                            .group = t.group,
                            .head_dim = t.head_dim,
                            .to_log2 = t.to_log2});
    worker.end_of(Part::values);
  });
}

}  // namespace

void attend(const KernelTable& kernels, const AttentionCall& call, CallClock& clock) {
  const AttentionPlan& plan = call.plan;
  const std::size_t tiles = plan.tiles(call.portion), parts = plan.parts;
  float* partials = call.workspace + plan.thread_floats * static_cast<std::size_t>(plan.all_threads);
  for_each_item(tiles * parts, plan.threads(call.portion), clock, [&](std::size_t item, const Worker& worker) {
    // Late tokens first: under causality they have the most keys.
    const std::size_t tile = tiles - 1 - item / parts, part = item % parts;
    AttentionTile<float> t = tile_of(call, tile);
    t.workspace = call.workspace + plan.thread_floats * worker.thread;
    t.clock = worker.clock;
    const TilePlace at = place_of(call, tile);
    auto* room = reinterpret_cast<unsigned char*>(t.workspace + plan.tile_floats);
    set_mask(call.mask.tile(at.sample, at.head, at.position, room), t);
    if (parts > 1) {
      t.key_begin = std::max(t.key_begin, part * plan.part_keys);
      t.key_end = std::min(t.key_end, (part + 1) * plan.part_keys);
      if (part > 0) t.empty_slots = 0;
      t.partial = partials + (tile * parts + part) * plan.partial_floats;
    }
    kernels.attend(t);
  });
  if (parts > 1) merge(kernels, call, partials, clock);
}

}  // namespace attest::optimized
