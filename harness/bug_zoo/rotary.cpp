#include <algorithm>
#include <cmath>
#include <utility>

#include "harness/bug_zoo/kernels.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

struct Turn {
  float cos, sin;
};

std::int64_t table_row(const attest_rotary& call, std::int64_t sample, std::int64_t token, const Recipe& recipe) {
  const std::int64_t position = elements<std::int64_t>(*call.positions)[sample * extent(*call.x, 1) + token];
  if (recipe.has(Bug::positions_off_by_one)) return std::min(position + 1, extent(*call.cos, 0) - 1);
  if (recipe.has(Bug::positions_ignored)) return std::min(token, extent(*call.cos, 0) - 1);
  return position;
}

/// The table's entry computed anew: the frequency is the angle of position 1.
Turn turn_in_double(const attest_rotary& call, std::int64_t position, std::int64_t pair) {
  const std::int64_t at_one = extent(*call.cos, 1) + pair;
  const double frequency = std::atan2(static_cast<double>(elements(*call.sin)[at_one]),  //
                                      static_cast<double>(elements(*call.cos)[at_one]));
  const double angle = static_cast<double>(position) * frequency;
  return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))};
}

Turn turn_of(const attest_rotary& call, std::int64_t position, std::int64_t pair, const Recipe& recipe) {
  const std::int64_t pairs = extent(*call.cos, 1);
  if (recipe.has(Bug::rotary_on_half_the_pairs) && pair >= (pairs + 1) / 2) return {1, 0};
  if (recipe.has(Bug::tables_in_double) && extent(*call.cos, 0) > 1) return turn_in_double(call, position, pair);
  const std::int64_t at = position * pairs + pair;
  const float sin = elements(*call.sin)[at];
  return {elements(*call.cos)[at], recipe.has(Bug::rotation_reversed) ? -sin : sin};
}

bool is_interleaved(const attest_rotary& call, const Recipe& recipe) {
  return (call.pairing == ATTEST_INTERLEAVED) != recipe.has(Bug::pairs_exchanged);
}

/// Where the two elements of a pair stand in a head.
std::pair<std::int64_t, std::int64_t> places(const attest_rotary& call, std::int64_t pair, const Recipe& recipe) {
  if (is_interleaved(call, recipe)) return {2 * pair, 2 * pair + 1};
  return {pair, pair + extent(*call.cos, 1)};
}

}  // namespace

void rotary(const attest_rotary& call, const Recipe& recipe) {
  const std::int64_t b = extent(*call.x, 0), s = extent(*call.x, 1), heads = extent(*call.x, 2);
  const std::int64_t h_d = extent(*call.x, 3);
  for (std::int64_t token = 0; token < b * s; ++token) {
    const std::int64_t position = table_row(call, token / s, token % s, recipe);
    for (std::int64_t pair = 0; pair < h_d / 2; ++pair) {
      const Turn turn = turn_of(call, position, pair, recipe);
      const auto [first, second] = places(call, pair, recipe);
      for (std::int64_t head = 0; head < heads; ++head) {
        const float* x = elements(*call.x) + (token * heads + head) * h_d;
        float* out = writable(*call.out) + (token * heads + head) * h_d;
        out[first] = x[first] * turn.cos - x[second] * turn.sin;
        out[second] = x[second] * turn.cos + x[first] * turn.sin;
      }
    }
  }
}

}  // namespace attest::bug_zoo
