#include "harness/selftest_cases.h"

#include <string_view>

namespace attest::harness {
namespace {

/// What the cases of each family look like; a family that cannot have one of them has its nearest valid one. No extent
/// is a power of two or of four where it need not be, and no two of a case are equal unless that is its purpose: a
/// wrong stride, a tail and a rounded scale then show.
std::vector<CaseDraw> shapes() {
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
      // A cache in chunks, with slots that stay empty: hidden by the mask, and attended.
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
       .rotary = RotaryKind::interleaved,
       .positions = PositionKind::each},
      {.b = 2,
       .s_x = 5,
       .n_kv = 2,
       .q_per_kv = 1,
       .h_d = 6,
       .d_per_head = 5,
       .keys = KeySource::cache,
       .chunk = 2,
       .spare = 3,
       .rotary = RotaryKind::phi3,
       .positions = PositionKind::shared,
       .norm = true},
  };
}

}  // namespace

std::vector<std::unique_ptr<SelftestCase>> selftest_cases() {
  std::vector<std::unique_ptr<SelftestCase>> cases;
  for (const std::string_view family : drawn_families()) {
    for (CaseDraw draw : shapes()) {
      draw.family = family;
      draw.seed = cases.size() + 1;
      cases.push_back(std::make_unique<SelftestCase>(nearest_valid(draw)));
    }
  }
  return cases;
}

}  // namespace attest::harness
