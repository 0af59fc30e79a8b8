#include <algorithm>
#include <bit>

#include "harness/draw/drawn_case.h"
#include "harness/draw/input_family.h"

namespace attest::harness {
namespace {

constexpr std::int64_t kMostSamples = 64, kMostTokens = 1 << 17, kMostHeads = 256, kMostChannels = 4096;
constexpr std::int64_t kMostCallsBefore = 8;
constexpr std::int64_t kMostScale = 64;  ///< eighths of 1/sqrt(h_d)
constexpr std::int64_t kMostCalls = 16;  ///< of a cache; a smaller chunk would only repeat itself

/// One entry for all keys: a row sees all of them or none.
bool lacks_keys(MaskBroadcast broadcast) { return broadcast >= MaskBroadcast::s_k; }

void clamp_extents(CaseDraw& draw) {
  const auto clamp = [](std::int64_t& extent, std::int64_t first, std::int64_t last) {
    extent = std::clamp(extent, first, last);
  };
  clamp(draw.b, 1, kMostSamples);
  for (auto* tokens : {&draw.s_x, &draw.s_y, &draw.chunk}) clamp(*tokens, 1, kMostTokens);
  for (auto* tokens : {&draw.spare, &draw.filled}) clamp(*tokens, 0, kMostTokens);
  clamp(draw.calls_before, 0, kMostCallsBefore);
  clamp(draw.scale, 0, kMostScale);
  clamp(draw.dropout, 0, 100);
  clamp(draw.n_kv, 1, kMostHeads);
  clamp(draw.q_per_kv, 1, kMostHeads);
  clamp(draw.h_d, 1, kMostChannels);
  clamp(draw.d_per_head, 1, kMostChannels);
  if (!is_storage(draw.dtype)) draw.dtype = DType::float32;
}

/// What a family needs in order to be what it says.
void fit_to_family(CaseDraw& draw, const InputFamily& family) {
  if (family.selects()) {
    draw.bias = false;
    draw.scale = draw.dropout = 0;
    if (draw.mask == MaskKind::blocks) draw.mask = MaskKind::boolean;
  }
  if (family.outside_float16 && draw.dtype == DType::float16) draw.dtype = DType::bfloat16;
  if (family.steers_logits) {
    draw.norm = false;
    draw.rotary = RotaryKind::none;
    draw.h_d = std::max<std::int64_t>(draw.h_d, 2);  // one channel steers, the others vary
  }
  if (family.hides_odd_keys) {
    if (draw.mask != MaskKind::floating) draw.mask = MaskKind::boolean;
    draw.hidden = HiddenKeys::alternating;
    if (lacks_keys(draw.broadcast)) draw.broadcast = MaskBroadcast::none;
  }
  if (family.poisons_hidden_keys) {
    draw.keys = KeySource::cross;
    draw.s_y = std::max<std::int64_t>(draw.s_y, 2);
  }
  if (family.equal_weights) {  // exact if a power of two keys is visible
    draw.mask = MaskKind::none;
    if (draw.has_cache()) draw.keys = KeySource::self;
  }
  const bool keys_are_x = draw.keys == KeySource::self || draw.keys == KeySource::cache;
  std::int64_t& keys = keys_are_x ? draw.s_x : draw.s_y;
  if (family.key_for_each_channel) keys = std::min(keys, draw.h_d);
  if (family.equal_weights) keys = static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(keys)));
  if (family.selects()) {
    const std::int64_t n_h = draw.num_heads(), width = (n_h + 2 * draw.n_kv) * draw.h_d;
    draw.d_per_head = (width + n_h - 1) / n_h;
  }
}

void fit_mask(CaseDraw& draw) {
  if (draw.mask == MaskKind::blocks && draw.has_cache()) draw.mask = MaskKind::boolean;
  if (draw.mask == MaskKind::blocks || draw.has_cache()) draw.dropout = 0;
  if (!draw.has_own_mask()) draw.broadcast = MaskBroadcast::none;
  if (!draw.has_own_mask() && draw.mask != MaskKind::blocks) draw.hidden = HiddenKeys::random;
  if (lacks_keys(draw.broadcast) && draw.hidden != HiddenKeys::none) draw.hidden = HiddenKeys::whole_rows;
}

void fit_calls(CaseDraw& draw) {
  if (!draw.has_cache()) {
    draw.chunk = 1;
    draw.spare = 0;
  }
  if (draw.keys != KeySource::cache) draw.filled = 0;
  draw.filled = std::min(draw.filled, draw.s_x - 1);
  const std::int64_t called = draw.called_tokens();
  if (draw.has_cache())
    draw.chunk = draw.alone ? called : std::clamp(draw.chunk, (called + kMostCalls - 1) / kMostCalls, called);
  draw.poison = draw.poison && draw.has_own_mask() && needs_no_calls(draw);
  if (draw.calls_before == 0) draw.before = CallsBefore::same;
  if (draw.keys == KeySource::self || draw.keys == KeySource::cache) draw.s_y = 1;
}

/// What an attention without a layer around it does not have.
void fit_alone(CaseDraw& draw, const InputFamily& family) {
  if (family.nan_in_weights || family.poisons_hidden_keys) draw.alone = false;
  if (!draw.alone) return;
  if (draw.keys == KeySource::cross_cache) draw.keys = KeySource::cross;
  draw.rotary = RotaryKind::none;
  draw.norm = draw.bias = false;
  draw.d_per_head = 1;
}

/// input_pos serves q and k alike, so there must be as many of one as of the other.
void fit_positions(CaseDraw& draw) {
  if (draw.h_d % 2 != 0) draw.rotary = RotaryKind::none;
  const bool as_many = draw.keys == KeySource::cross ? draw.s_x == draw.s_y : draw.keys != KeySource::cross_cache;
  if (draw.rotary == RotaryKind::none || draw.has_documents() || !as_many) {
    draw.positions = PositionKind::implied;
  }
  draw.norm_first = draw.norm_first && draw.norm && draw.rotary != RotaryKind::none;
}

}  // namespace

bool needs_no_calls(const CaseDraw& draw) { return draw.alone || draw.filled > 0; }

CaseDraw nearest_valid(CaseDraw draw) {
  const InputFamily& family = input_family(draw.family);
  clamp_extents(draw);
  // A mask of packed documents alone may be that of one call into a cache; elsewhere documents have one call.
  const bool cached = draw.alone && draw.mask == MaskKind::packed && draw.keys == KeySource::cache;
  if (draw.has_documents() && !cached) draw.keys = KeySource::self;
  fit_to_family(draw, family);
  fit_alone(draw, family);
  fit_mask(draw);
  fit_calls(draw);
  fit_positions(draw);
  return draw;
}

}  // namespace attest::harness
