#include "harness/bug_zoo/scores.h"

#include <cmath>

#include "harness/bug_zoo/rounding.h"
#include "harness/bug_zoo/sums.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

float scale_of(const attest_attention& call, const Recipe& recipe) {
  const auto scale = static_cast<float>(call.scale);
  if (recipe.has(Bug::scale_missing)) return 1;
  if (recipe.has(Bug::scale_of_all_heads)) return scale / std::sqrt(static_cast<float>(extent(*call.q, 1)));
  if (recipe.has(Bug::scale_rounded_to_bfloat16)) return rounded_to_bits(scale, kBitsOfBfloat16);
  return scale;
}

constexpr float kLargeFiniteMask = -10'000;

}  // namespace

Scores::Scores(const attest_attention& call, const Recipe& recipe)
    : call_(call),
      recipe_(recipe),
      s_x_(extent(*call.q, 2)),
      s_k_(extent(*call.k, 2)),
      h_d_(extent(*call.q, 3)),
      scale_(scale_of(call, recipe)),
      bias_scale_(recipe.has(Bug::float_mask_scaled) ? scale_ : 1) {
  if (recipe.has(Bug::tail_keys_dropped)) s_k_ -= s_k_ % recipe.design.key_block;
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
  const std::int64_t sample = samples == 1 || recipe_.has(Bug::mask_of_first_sample) ? 0 : row.sample;
  const std::int64_t token = tokens == 1 ? 0 : row.token;
  return (sample * tokens + token) * keys + (keys == 1 ? 0 : key);
}

bool Scores::hidden_by_mask(const Row& row, std::int64_t key) const {
  if (call_.mask == nullptr) return false;
  if (call_.mask->dtype.code == kDLUInt) return elements<std::uint8_t>(*call_.mask)[mask_index(row, key)] == 0;
  const float bias = elements(*call_.mask)[mask_index(row, key)];
  return recipe_.has(Bug::float_mask_cut) ? bias <= kLargeFiniteMask : bias == kMinusInfinity;
}

float Scores::bias(const Row& row, std::int64_t key) const {
  if (call_.mask == nullptr || call_.mask->dtype.code == kDLUInt) return 0;
  return bias_scale_ * elements(*call_.mask)[mask_index(row, key)];
}

Score Scores::at(const Row& row, std::int64_t key) const {
  const bool hidden = hidden_by_causality(row.token, key) || hidden_by_mask(row, key);
  if (hidden && recipe_.has(Bug::finite_mask)) return {key, kLargeFiniteMask, false};
  const std::int64_t channels = recipe_.has(Bug::tail_channels_dropped) ? h_d_ - h_d_ % 8 : h_d_;
  float logit = scale_ * dot(row.q, row.k + key * h_d_, channels, recipe_.design);
  if (const float added = bias(row, key); added != kMinusInfinity) logit += added;
  if (recipe_.has(Bug::scores_rounded_to_bfloat16)) logit = rounded_to_bits(logit, kBitsOfBfloat16);
  return {key, logit, hidden};
}

}  // namespace attest::bug_zoo
