#include "harness/search/random_draw.h"

#include "harness/coverage/dimensions.h"
#include "harness/draw/counter_numbers.h"

namespace attest::harness {
namespace {

/// So many products of a query's channel with a key's may one draw ask for.
constexpr std::int64_t kMostWork = 20'000'000;

/// The numbers that decide about question `index`.
CounterNumbers numbers_of(std::uint64_t seed, std::uint64_t index) {
  return {seed, (index << 16) + static_cast<std::uint64_t>(DrawStream::question)};
}

CaseDraw over_the_dimensions(CounterNumbers& from) {
  for (;;) {
    CoverageRow row;
    row.fill(kUnset);
    for (std::size_t at = 0; at < kDimensions; ++at) {
      row[at] = static_cast<std::int8_t>(from.below(std::ssize(dimensions()[at].values)));
    }
    const auto seed = static_cast<std::uint64_t>(from.below(1'000'000'000));
    if (exclusion(row).empty() && work_of(row) <= kMostWork) return draw_of(row, seed);
  }
}

template <class Kind>
Kind any_up_to(CounterNumbers& from, Kind last) {
  return static_cast<Kind>(from.below(static_cast<std::int64_t>(last) + 1));
}

/// 1 to 9 tokens mostly; seldom as many as several tiles.
std::int64_t few_tokens(CounterNumbers& from) { return from.one_in(4) ? from.between(10, 70) : from.between(1, 9); }

CaseDraw small_layer(CounterNumbers& from) {
  CaseDraw draw;
  const auto families = drawn_families();
  if (from.one_in(2)) draw.family = families[static_cast<std::size_t>(from.below(std::ssize(families)))];
  draw.seed = static_cast<std::uint64_t>(from.below(1'000'000'000));
  draw.b = from.between(1, 3);
  draw.s_x = few_tokens(from);
  draw.s_y = few_tokens(from);
  draw.n_kv = from.between(1, 3);
  draw.q_per_kv = from.between(1, 3);
  draw.h_d = from.one_in(8) ? from.between(17, 128) : from.between(1, 16);
  draw.d_per_head = from.between(1, 9);
  draw.mask = any_up_to(from, MaskKind::documents);
  draw.broadcast = any_up_to(from, MaskBroadcast::all);
  draw.hidden = any_up_to(from, HiddenKeys::all_but_one);
  draw.keys = any_up_to(from, KeySource::cross_cache);
  draw.chunk = from.between(1, 9);
  draw.spare = from.below(6);
  draw.rotary = any_up_to(from, RotaryKind::qwen2);
  draw.positions = any_up_to(from, PositionKind::each);
  draw.norm = from.one_in(2);
  draw.bias = from.one_in(2);
  draw.dtype = DType::float32;
  if (from.one_in(3)) draw.dtype = from.one_in(3) ? DType::float16 : DType::bfloat16;
  draw.norm_first = from.one_in(3);
  if (from.one_in(4)) draw.scale = from.between(1, 16);
  return draw;
}

/// Now and then with what a layer has in training, or in torch's own form for packed sequences.
CaseDraw with_dropout_or_blocks(CaseDraw draw, CounterNumbers& from) {
  if (from.one_in(12)) draw.dropout = from.between(1, 100);
  if (from.one_in(12)) draw.mask = MaskKind::blocks;
  return nearest_valid(draw);
}

}  // namespace

DrawnQuestion random_question(std::uint64_t seed, std::uint64_t index) {
  CounterNumbers from = numbers_of(seed, index);
  if (index % 3 != 2) return {&law_from_name("truth"), with_dropout_or_blocks(over_the_dimensions(from), from)};
  const Law& law = laws()[static_cast<std::size_t>(index / 3 % laws().size())];
  return {&law, law.fit(small_layer(from))};
}

}  // namespace attest::harness
