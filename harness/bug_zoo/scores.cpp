#include "harness/bug_zoo/scores.h"

#include <algorithm>
#include <cmath>

#include "harness/bug_zoo/rounding.h"
#include "harness/bug_zoo/sums.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

float scale_of(const attest_attention& call, const Recipe& recipe) {
  const auto scale = static_cast<float>(call.scale);
  if (recipe.has(Bug::scale_missing)) return 1;
  if (recipe.has(Bug::scale_ignored)) return 1 / std::sqrt(static_cast<float>(extent(*call.q, 3)));
  if (recipe.has(Bug::scale_of_all_heads)) return scale / std::sqrt(static_cast<float>(extent(*call.q, 1)));
  if (recipe.has(Bug::scale_rounded_to_bfloat16)) return rounded_to_bits(scale, kBitsOfBfloat16);
  return scale;
}

constexpr float kLargeFiniteMask = -10'000;
constexpr std::int64_t kTile = 64;

}  // namespace

Scores::Scores(const attest_attention& call, const Recipe& recipe)
    : call_(call),
      recipe_(recipe),
      blocks_(call, recipe),
      s_x_(extent(*call.q, 2)),
      s_k_(extent(*call.k, 2)),
      h_d_(extent(*call.q, 3)),
      group_(extent(*call.q, 1) / extent(*call.k, 1)),
      scale_(scale_of(call, recipe)),
      bias_scale_(recipe.has(Bug::float_mask_scaled) ? scale_ : 1) {
  if (recipe.has(Bug::tail_keys_dropped)) s_k_ -= s_k_ % recipe.design.key_block;
  if (recipe.has(Bug::keys_beyond_a_tile_dropped) && h_d_ >= kTile) s_k_ = std::min(s_k_, kTile);
}

bool Scores::hidden_by_causality(std::int64_t token, std::int64_t key) const {
  if (call_.is_causal == 0) return false;
  if (recipe_.has(Bug::causal_sees_the_next_key)) return key > token + 1;
  if (recipe_.has(Bug::causal_misses_its_own_key)) return key > token - 1;
  if (recipe_.has(Bug::causal_bottom_right)) return key > token + s_k_ - s_x_;
  const std::int64_t block = recipe_.design.key_block;
  if (recipe_.has(Bug::causal_by_block)) return key / block > token / block;
  return key > token;
}

std::int64_t Scores::mask_index(const Row& row, std::int64_t key) const {
  const DLTensor& mask = *call_.mask;
  const std::int64_t samples = extent(mask, 0), tokens = extent(mask, 1), keys = extent(mask, 2);
  const bool is_shared = samples == 1 && !recipe_.has(Bug::shared_mask_offset_by_sample);
  const std::int64_t sample = is_shared || recipe_.has(Bug::mask_of_first_sample) ? 0 : row.sample;
  std::int64_t token = tokens == 1 ? 0 : row.token;
  if (recipe_.has(Bug::group_read_as_tokens) && s_x_ == 1) token = row.head % group_;
  const bool stays = keys == 1 && !recipe_.has(Bug::mask_axis_of_one_walked);
  return (sample * tokens + token) * keys + (stays ? 0 : key);
}

bool Scores::hidden_by_mask(const Row& row, std::int64_t key) const {
  if (call_.mask == nullptr) return false;
  if (call_.mask->dtype.code == kDLUInt) return elements<std::uint8_t>(*call_.mask)[mask_index(row, key)] == 0;
  const float bias = elements(*call_.mask)[mask_index(row, key)];
  return recipe_.has(Bug::float_mask_cut) ? bias <= kLargeFiniteMask : bias == kMinusInfinity;
}

/// The first key of the run in a bool mask that ends with the token itself, as a sliding window's does.
bool Scores::begins_a_window(const Row& row, std::int64_t key) const {
  if (call_.mask == nullptr || call_.mask->dtype.code != kDLUInt || key > row.token || row.token >= s_k_) return false;
  for (std::int64_t seen = key; seen <= row.token; ++seen) {
    if (hidden_by_mask(row, seen)) return false;
  }
  return key == 0 || hidden_by_mask(row, key - 1);
}

float Scores::bias(const Row& row, std::int64_t key) const {
  if (call_.mask == nullptr || call_.mask->dtype.code == kDLUInt) return 0;
  return bias_scale_ * elements(*call_.mask)[mask_index(row, key)];
}

/// What dropout multiplies the weight of a key with.
float Scores::kept(const Row& row, std::int64_t key) const {
  if (call_.keep == nullptr || recipe_.has(Bug::dropout_left_out)) return 1;
  const std::int64_t n_h = extent(*call_.keep, 1);
  const std::int64_t head = recipe_.has(Bug::dropout_of_next_head) ? (row.head + 1) % n_h : row.head;
  const std::int64_t at = ((row.sample * n_h + head) * s_x_ + row.token) * extent(*call_.keep, 3) + key;
  if (elements<std::uint8_t>(*call_.keep)[at] == 0) return 0;
  if (recipe_.has(Bug::dropout_not_scaled)) return 1;
  const double share = recipe_.has(Bug::dropout_scaled_by_p) ? call_.dropout_p : 1 - call_.dropout_p;
  return share > 0 ? static_cast<float>(1 / share) : 0;
}

Score Scores::at(const Row& row, std::int64_t key) const {
  bool hidden = hidden_by_causality(row.token, key) || hidden_by_mask(row, key) || blocks_.hides(row, key);
  if (recipe_.has(Bug::window_one_key_more) && begins_a_window(row, key + 1)) hidden = false;
  if (hidden && recipe_.has(Bug::finite_mask)) return {key, kLargeFiniteMask, false, kept(row, key)};
  const std::int64_t channels = recipe_.has(Bug::tail_channels_dropped) ? h_d_ - h_d_ % 8 : h_d_;
  const bool is_overwritten = recipe_.has(Bug::threads_share_scores) && 2 * key >= s_k_;
  float score = dot(is_overwritten ? row.q_of_other_thread : row.q, row.k + key * h_d_, channels, recipe_.design);
  if (recipe_.has(Bug::scores_in_float16)) score = rounded_to_float16(score);
  float logit = scale_ * score;
  if (const float added = bias(row, key); added != kMinusInfinity) logit += added;
  if (recipe_.has(Bug::scores_rounded_to_bfloat16)) logit = rounded_to_bits(logit, kBitsOfBfloat16);
  return {key, logit, hidden, kept(row, key)};
}

}  // namespace attest::bug_zoo
