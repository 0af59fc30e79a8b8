#include <algorithm>
#include <bit>

#include "harness/draw/drawn_case.h"
#include "harness/draw/input_family.h"

namespace attest::harness {
namespace {

constexpr std::int64_t kMostSamples = 16, kMostTokens = 1 << 16, kMostHeads = 256, kMostChannels = 4096;
constexpr std::int64_t kMostCalls = 16;  ///< of a cache; a smaller chunk would only repeat itself

void clamp_extents(CaseDraw& draw) {
  const auto clamp = [](std::int64_t& extent, std::int64_t first, std::int64_t last) {
    extent = std::clamp(extent, first, last);
  };
  clamp(draw.b, 1, kMostSamples);
  for (auto* tokens : {&draw.s_x, &draw.s_y, &draw.chunk}) clamp(*tokens, 1, kMostTokens);
  clamp(draw.spare, 0, kMostTokens);
  clamp(draw.n_kv, 1, kMostHeads);
  clamp(draw.q_per_kv, 1, kMostHeads);
  clamp(draw.h_d, 1, kMostChannels);
  clamp(draw.d_per_head, 1, kMostChannels);
  if (draw.dtype != DType::bfloat16) draw.dtype = DType::float32;
}

/// What a family needs in order to be what it says.
void fit_to_family(CaseDraw& draw, const InputFamily& family) {
  if (family.selects()) draw.bias = false;
  if (family.steers_logits) {
    draw.norm = false;
    draw.rotary = RotaryKind::none;
    draw.h_d = std::max<std::int64_t>(draw.h_d, 2);  // one channel steers, the others vary
  }
  if (family.hides_odd_keys && draw.mask != MaskKind::floating) draw.mask = MaskKind::boolean;
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

void fit_calls(CaseDraw& draw) {
  if (!draw.has_cache()) {
    draw.chunk = 1;
    draw.spare = 0;
  } else {
    draw.chunk = std::clamp(draw.chunk, (draw.s_x + kMostCalls - 1) / kMostCalls, draw.s_x);
  }
  if (draw.keys == KeySource::self || draw.keys == KeySource::cache) draw.s_y = 1;
}

/// input_pos serves q and k alike, so there must be as many of one as of the other.
void fit_positions(CaseDraw& draw) {
  if (draw.h_d % 2 != 0) draw.rotary = RotaryKind::none;
  const bool as_many = draw.keys == KeySource::cross ? draw.s_x == draw.s_y : draw.keys != KeySource::cross_cache;
  if (draw.rotary == RotaryKind::none || draw.has_documents() || !as_many) {
    draw.positions = PositionKind::implied;
  }
}

}  // namespace

CaseDraw nearest_valid(CaseDraw draw) {
  const InputFamily& family = input_family(draw.family);
  clamp_extents(draw);
  if (draw.has_documents()) draw.keys = KeySource::self;
  fit_to_family(draw, family);
  fit_calls(draw);
  fit_positions(draw);
  return draw;
}

}  // namespace attest::harness
