#include "property_tests/any_draw.h"

#include <ostream>
#include <tuple>
#include <vector>

#include "harness/draw/draw_line.h"

namespace attest::harness {
void showValue(const CaseDraw& draw, std::ostream& out) { out << to_line(draw); }
}  // namespace attest::harness

namespace attest::property_tests {
namespace {

using harness::CaseDraw;

/// One of the values, shrinking to those before it.
template <class T>
rc::Gen<T> one_of(std::vector<T> values) {
  return rc::gen::map(rc::gen::resize(rc::kNominalSize, rc::gen::inRange<std::size_t>(0, values.size())),
                      [values](std::size_t i) { return values[i]; });
}

/// Every enumerator of a kind whose last one is given.
template <class Kind>
rc::Gen<Kind> kind_up_to(Kind last) {
  std::vector<Kind> kinds;
  for (int i = 0; i <= static_cast<int>(last); ++i) kinds.push_back(static_cast<Kind>(i));
  return one_of(kinds);
}

rc::Gen<std::int64_t> extent(std::int64_t last) { return rc::gen::inRange<std::int64_t>(1, last + 1); }

/// 1, a vector's lanes, a tile's rows, a block of 256 keys: L - 1, L, L + 1, 2 L - 1.
rc::Gen<std::int64_t> tokens() {
  const std::vector<std::int64_t> tails = {1,  2,  3,  4,  5,  7,  8,  9,  11, 12, 13, 15,  16,  17,  23,
                                           24, 25, 31, 32, 33, 47, 48, 49, 63, 64, 65, 127, 255, 256, 257};
  return rc::gen::weightedOneOf<std::int64_t>({{3, extent(9)}, {2, one_of(tails)}});
}

rc::Gen<std::int64_t> head_size() {
  return rc::gen::weightedOneOf<std::int64_t>(
      {{2, one_of<std::int64_t>({1, 2, 3, 4, 6, 7, 8, 12, 16})},
       {1, one_of<std::int64_t>({2, 15, 17, 20, 32, 33, 40, 64, 80, 88, 96, 111, 128})}});
}

/// Of many tokens, or with large heads, a layer's square of them and its projections would take the time of hundreds of
/// other cases; an attention alone is judged on some of its tokens.
CaseDraw affordable(CaseDraw draw) {
  if (draw.h_d > 32) draw.n_kv = draw.q_per_kv = 1;
  if (draw.s_x > 100) draw.b = draw.n_kv = 1;
  return nearest_valid(draw);
}

/// 1 to `last`, and once in eight what is beyond what most designs have thought of.
rc::Gen<std::int64_t> extent_or(std::int64_t last, std::vector<std::int64_t> seldom) {
  return rc::gen::weightedOneOf<std::int64_t>({{7, extent(last)}, {1, one_of(std::move(seldom))}});
}

/// As many keys as a draw of this work may have.
CaseDraw affordable_alone(CaseDraw draw) {
  constexpr std::int64_t kWork = 1 << 20;
  if (draw.b * draw.num_heads() * draw.h_d > 4096) draw.b = draw.n_kv = 1;
  const std::int64_t queries = draw.keys == harness::KeySource::self ? draw.s_x : std::min<std::int64_t>(draw.s_x, 17);
  const std::int64_t most = std::max<std::int64_t>(1, kWork / (draw.b * draw.num_heads() * draw.h_d * queries));
  draw.s_y = std::min(draw.s_y, most);
  draw.s_x = draw.keys == harness::KeySource::cache ? std::min(draw.s_x, most) : draw.s_x;
  if (draw.keys == harness::KeySource::cache) draw.filled = std::max<std::int64_t>(draw.s_x - 17, 0);
  return nearest_valid(draw);
}

}  // namespace

namespace {

/// Draws whose parts do not fit together yet.
rc::Gen<CaseDraw> any_parts() {
  using namespace harness;
  std::vector<std::string> families(drawn_families().begin(), drawn_families().end());
  const auto family =
      rc::gen::weightedOneOf<std::string>({{1, rc::gen::just(families.front())}, {1, one_of(families)}});
  const auto flag = rc::gen::map(rc::gen::inRange(0, 2), [](int value) { return value == 1; });
  return rc::gen::build<CaseDraw>(
      rc::gen::set(&CaseDraw::family, family),
      rc::gen::set(&CaseDraw::seed, rc::gen::noShrink(rc::gen::inRange<std::uint64_t>(0, 1'000'000'000))),
      rc::gen::set(&CaseDraw::b, extent(3)), rc::gen::set(&CaseDraw::s_x, tokens()),
      rc::gen::set(&CaseDraw::s_y, tokens()), rc::gen::set(&CaseDraw::n_kv, extent(3)),
      rc::gen::set(&CaseDraw::q_per_kv, extent(3)), rc::gen::set(&CaseDraw::h_d, head_size()),
      rc::gen::set(&CaseDraw::d_per_head, extent(9)), rc::gen::set(&CaseDraw::mask, kind_up_to(MaskKind::blocks)),
      rc::gen::set(&CaseDraw::broadcast, kind_up_to(MaskBroadcast::all)),
      rc::gen::set(&CaseDraw::hidden, kind_up_to(HiddenKeys::all_but_one)),
      rc::gen::set(&CaseDraw::keys, kind_up_to(KeySource::cross_cache)), rc::gen::set(&CaseDraw::chunk, extent(9)),
      rc::gen::set(&CaseDraw::spare, rc::gen::inRange<std::int64_t>(0, 6)),
      rc::gen::set(&CaseDraw::rotary, kind_up_to(RotaryKind::qwen2)),
      rc::gen::set(&CaseDraw::positions, kind_up_to(PositionKind::each)), rc::gen::set(&CaseDraw::norm, flag),
      rc::gen::set(&CaseDraw::norm_first, flag), rc::gen::set(&CaseDraw::bias, flag),
      rc::gen::set(&CaseDraw::scale, one_of<std::int64_t>({0, 0, 0, 3, 11})),
      rc::gen::set(&CaseDraw::dropout, one_of<std::int64_t>({0, 0, 0, 10, 60})),
      rc::gen::set(&CaseDraw::dtype, one_of<DType>({DType::float32, DType::float32, DType::bfloat16, DType::float16})));
}

}  // namespace

rc::Gen<CaseDraw> any_draw() { return rc::gen::map(any_parts(), affordable); }

rc::Gen<CaseDraw> any_attention() {
  return rc::gen::mapcat(any_parts(), [](CaseDraw draw) {
    draw.alone = true;
    const auto sized = rc::gen::tuple(extent_or(3, {5, 33, 40}), extent_or(3, {8, 33}), extent_or(3, {4, 16}),
                                      extent_or(300, {511, 513, 1025, 2049, 4095, 4097}), rc::gen::inRange(0, 2));
    return rc::gen::map(sized, [draw](const auto& sizes) {
      CaseDraw larger = draw;
      std::tie(larger.b, larger.n_kv, larger.q_per_kv, larger.s_y, std::ignore) = sizes;
      if (larger.keys == harness::KeySource::cache) larger.s_x = larger.s_y;
      larger.poison = std::get<4>(sizes) == 1;
      return affordable_alone(larger);
    });
  });
}

harness::CaseDraw supported(const harness::Implementation& implementation, harness::CaseDraw draw) {
  LayerSpec layer;
  layer.config.dtype = draw.dtype;
  if (!implementation.gap(layer).empty()) draw.dtype = DType::float32;
  return draw;
}

}  // namespace attest::property_tests
