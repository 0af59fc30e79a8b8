#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "harness/bug_zoo/kernels.h"
#include "harness/bug_zoo/rounding.h"
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
  if (recipe.has(Bug::positions_run_on)) {
    return std::min(elements<std::int64_t>(*call.positions)[0] + sample * extent(*call.x, 1) + token,
                    extent(*call.cos, 0) - 1);
  }
  if (recipe.has(Bug::positions_in_bfloat16)) {
    return static_cast<std::int64_t>(rounded_to_bits(static_cast<float>(position), kBitsOfBfloat16));
  }
  return position;
}

/// A pair's frequency, out of the tables: the angle of position 1.
double frequency(const attest_rotary& call, std::int64_t pair) {
  const std::int64_t at_one = extent(*call.cos, 1) + pair;
  return std::atan2(static_cast<double>(elements(*call.sin)[at_one]),  //
                    static_cast<double>(elements(*call.cos)[at_one]));
}

/// base^(-2 pair / dim), with the base of the second pair, which no scaling changes.
double unscaled_frequency(const attest_rotary& call, std::int64_t pair) {
  const double given = frequency(call, pair);
  if (pair < 2) return given;
  const double unscaled = std::pow(frequency(call, 1), static_cast<double>(pair));
  return std::fabs(unscaled / given - 1) > 0.01 ? unscaled : given;
}

Turn turn_by(double angle) { return {static_cast<float>(std::cos(angle)), static_cast<float>(std::sin(angle))}; }

/// A table's entry computed anew; nothing where the tables' is used.
std::optional<Turn> own_turn(const attest_rotary& call, std::int64_t position, std::int64_t pair,
                             const Recipe& recipe) {
  if (extent(*call.cos, 0) < 2) return std::nullopt;
  const auto at = static_cast<double>(position);
  if (recipe.has(Bug::tables_in_double)) return turn_by(at * frequency(call, pair));
  if (recipe.has(Bug::frequencies_in_bfloat16)) {
    return turn_by(at * rounded_to_bits(static_cast<float>(frequency(call, pair)), kBitsOfBfloat16));
  }
  if (recipe.has(Bug::rotary_scaling_left_out) && unscaled_frequency(call, pair) != frequency(call, pair)) {
    return turn_by(at * unscaled_frequency(call, pair));
  }
  return std::nullopt;
}

Turn turn_of(const attest_rotary& call, std::int64_t position, std::int64_t pair, const Recipe& recipe) {
  const std::int64_t pairs = extent(*call.cos, 1);
  if (recipe.has(Bug::rotary_on_half_the_pairs) && pair >= (pairs + 1) / 2) return {1, 0};
  if (const auto own = own_turn(call, position, pair, recipe)) return *own;
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
  const bool rounds = recipe.rounds_stages && call.pairing == ATTEST_HALVES_ROUNDED;
  const auto product = [rounds](float value, float factor) {
    return rounds ? rounded_to_bfloat16(value * rounded_to_bfloat16(factor)) : value * factor;
  };
  for (std::int64_t token = 0; token < b * s; ++token) {
    const std::int64_t position = table_row(call, token / s, token % s, recipe);
    for (std::int64_t pair = 0; pair < h_d / 2; ++pair) {
      const Turn turn = turn_of(call, position, pair, recipe);
      const auto [first, second] = places(call, pair, recipe);
      for (std::int64_t head = 0; head < heads; ++head) {
        const float* x = elements(*call.x) + (token * heads + head) * h_d;
        float* out = writable(*call.out) + (token * heads + head) * h_d;
        const bool forgets = recipe.has(Bug::rotary_of_first_sample) && s == 1 && token > 0;
        out[first] = forgets ? 0 : product(x[first], turn.cos) - product(x[second], turn.sin);
        out[second] = forgets ? 0 : product(x[second], turn.cos) + product(x[first], turn.sin);
      }
    }
  }
}

}  // namespace attest::bug_zoo
