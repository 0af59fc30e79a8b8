#include "harness/selftest/selftest_cases.h"

#include <string_view>

#include "fixtures/case_file.h"
#include "harness/draw/draw_line.h"
#include "harness/draw/drawn_case.h"

namespace attest::harness {
namespace {

// No extent is a power of two or of four where it need not be, and no two of a case are equal unless that is its
// purpose: a wrong stride, a tail and a rounded scale then show.

/// What some cases of each family look like; a family that cannot have one of them has the nearest valid one.
std::vector<CaseDraw> shapes_of_every_family() {
  return {
      // Grouped queries, tails in keys and channels; the positions of both samples, far enough for a table's precision.
      {.b = 2,
       .s_x = 13,
       .n_kv = 2,
       .q_per_kv = 3,
       .h_d = 14,
       .d_per_head = 5,
       .mask = MaskKind::causal,
       .rotary = RotaryKind::interleaved,
       .positions = PositionKind::each,
       .norm = true,
       .bias = true},
      // A mask of each sample, with rows that see nothing.
      {.b = 3, .s_x = 9, .n_kv = 2, .q_per_kv = 2, .h_d = 10, .d_per_head = 3, .mask = MaskKind::boolean, .bias = true},
      {.b = 2,
       .s_x = 7,
       .s_y = 19,
       .n_kv = 1,
       .q_per_kv = 3,
       .h_d = 22,
       .d_per_head = 4,
       .mask = MaskKind::floating,
       .keys = KeySource::cross},
      // A cache in chunks, with slots that stay empty and that the mask hides.
      {.b = 2,
       .s_x = 7,
       .n_kv = 2,
       .q_per_kv = 2,
       .h_d = 12,
       .d_per_head = 5,
       .mask = MaskKind::causal,
       .keys = KeySource::cache,
       .chunk = 3,
       .spare = 4,
       .rotary = RotaryKind::phi3,
       .positions = PositionKind::each},
  };
}

/// What bugs of a layer need besides, whatever the numbers are.
std::vector<CaseDraw> shapes_of_randn() {
  return {
      // More keys than queries: top-left is not bottom-right. Few channels: their mean square may be near epsilon.
      {.b = 2,
       .s_x = 5,
       .s_y = 11,
       .n_kv = 3,
       .q_per_kv = 1,
       .h_d = 4,
       .d_per_head = 7,
       .mask = MaskKind::causal,
       .keys = KeySource::cross,
       .rotary = RotaryKind::phi3,
       .norm = true,
       .bias = true},
      // A source of keys that has the shape of x; square projections.
      {.b = 2,
       .s_x = 6,
       .s_y = 6,
       .n_kv = 2,
       .q_per_kv = 1,
       .h_d = 6,
       .d_per_head = 6,
       .keys = KeySource::cross,
       .rotary = RotaryKind::llama3,
       .bias = true},
      // A cache whose empty slots are attended.
      {.b = 2,
       .s_x = 5,
       .n_kv = 2,
       .q_per_kv = 1,
       .h_d = 6,
       .d_per_head = 5,
       .keys = KeySource::cache,
       .chunk = 2,
       .spare = 3,
       .rotary = RotaryKind::interleaved,
       .positions = PositionKind::shared,
       .norm = true},
  };
}

/// What few layers have: a scale of its own, dropout in training; other blocks for each head.
std::vector<CaseDraw> shapes_of_rare_layers() {
  return {
      {.b = 2,
       .s_x = 11,
       .n_kv = 2,
       .q_per_kv = 2,
       .h_d = 10,
       .d_per_head = 3,
       .mask = MaskKind::causal,
       .rotary = RotaryKind::interleaved,
       .norm = true,
       .dropout = 30,
       .norm_first = true,
       .scale = 11},
      {.b = 2, .s_x = 75, .n_kv = 2, .q_per_kv = 2, .h_d = 6, .d_per_head = 5, .mask = MaskKind::blocks},
  };
}

/// As large as real kernels' blocks and tiles are: what begins behind the border of one shows here.
std::vector<CaseDraw> shapes_of_real_size() {
  return {
      // More keys than four blocks of 512, the first of them hidden.
      {.s_x = 3,
       .s_y = 2051,
       .q_per_kv = 2,
       .h_d = 6,
       .d_per_head = 5,
       .mask = MaskKind::boolean,
       .hidden = HiddenKeys::leading,
       .keys = KeySource::cross},
      // Heads of a real model's width, over more keys than a tile has.
      {.s_x = 2, .s_y = 77, .h_d = 64, .d_per_head = 16, .keys = KeySource::cross},
      // More samples than a tile of a cache has.
      {.b = 35, .s_x = 3, .n_kv = 2, .h_d = 4, .d_per_head = 5, .mask = MaskKind::causal, .keys = KeySource::cache,
       .chunk = 2},
      // More heads than fit into a word's bits, in groups.
      {.s_x = 3, .n_kv = 3, .q_per_kv = 12, .h_d = 4, .d_per_head = 3},
      // Positions that bfloat16 does not hold.
      {.s_x = 263, .h_d = 6, .d_per_head = 5, .mask = MaskKind::causal, .rotary = RotaryKind::interleaved},
  };
}

/// A large finite bias, a cache that is reset, an epsilon that weighs: no draw has them.
constexpr std::string_view kRecorded[] = {"masks/float_shifted_by_ten_thousand", "cache/reset", "norms/large_eps"};

}  // namespace

std::vector<std::unique_ptr<SelftestCase>> selftest_cases(const std::filesystem::path& fixtures) {
  std::vector<std::unique_ptr<SelftestCase>> cases;
  const auto add = [&](std::string_view family, const std::vector<CaseDraw>& shapes) {
    for (CaseDraw draw : shapes) {
      draw.family = family;
      draw.seed = cases.size() + 1;
      draw = nearest_valid(draw);
      cases.push_back(std::make_unique<SelftestCase>(to_line(draw), drawn_case(draw)));
    }
  };
  for (const std::string_view family : drawn_families()) add(family, shapes_of_every_family());
  add("randn", shapes_of_randn());
  add("randn", shapes_of_real_size());
  add("randn", shapes_of_rare_layers());
  for (const std::string_view name : kRecorded) {
    cases.push_back(
        std::make_unique<SelftestCase>(std::string(name), read_case(fixtures / (std::string(name) + ".h5"))));
  }
  return cases;
}

}  // namespace attest::harness
