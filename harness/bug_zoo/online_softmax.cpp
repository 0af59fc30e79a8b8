#include "harness/bug_zoo/online_softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "harness/bug_zoo/rounding.h"

namespace attest::bug_zoo {

float exponential(float x, const Recipe& recipe) {
  if (recipe.design.exponential == Exponential::base_2) return std::exp2(x * std::numbers::log2e_v<float>);
  if (recipe.has(Bug::exp_clamped_at_minus_20)) return std::exp(std::max(x, -20.0f));
  if (recipe.has(Bug::exp_of_11_bits)) return rounded_to_bits(std::exp(x), 11);
  if (recipe.has(Bug::exp_of_14_bits)) return rounded_to_bits(std::exp(x), 14);
  return std::exp(x);
}

OnlineSoftmax::OnlineSoftmax(const Recipe& recipe, std::int64_t h_d)
    : recipe_(recipe),
      largest_(recipe.has(Bug::max_starts_at_zero) || recipe.has(Bug::max_not_subtracted) ? 0 : kMinusInfinity),
      sum_(recipe.design.accumulation),
      values_(static_cast<std::size_t>(h_d), Sum(recipe.design.accumulation)) {}

float OnlineSoftmax::next_largest(std::span<const Score> block) const {
  if (recipe_.has(Bug::max_not_subtracted)) return 0;
  if (recipe_.has(Bug::max_of_first_block_only) && saw_a_key_) return largest_;
  float largest = largest_;
  for (const Score& score : block) {
    if (!score.hidden || recipe_.has(Bug::max_over_hidden_keys)) largest = std::max(largest, score.logit);
  }
  return largest;
}

void OnlineSoftmax::rescale(float largest) {
  const float factor = exponential(largest_ - largest, recipe_);
  if (!recipe_.has(Bug::sum_not_rescaled)) sum_.scale(factor);
  if (!recipe_.has(Bug::accumulator_not_rescaled)) {
    for (Sum& value : values_) value.scale(factor);
  }
  largest_ = largest;
}

void OnlineSoftmax::absorb(std::span<const Score> block, const float* v) {
  if (std::ranges::all_of(block, &Score::hidden)) {
    began_hidden_ = began_hidden_ || !saw_a_key_;
    return;
  }
  const float largest = next_largest(block);
  if (recipe_.has(Bug::nan_query_is_zero) && largest == kMinusInfinity) return;
  if (largest != largest_) rescale(largest);
  saw_a_key_ = true;
  if (recipe_.has(Bug::first_block_hidden) && began_hidden_) sum_.add(std::numeric_limits<float>::quiet_NaN(), 1);
  for (const Score& score : block) {
    if (score.hidden && recipe_.has(Bug::hidden_value_times_zero)) add_value(score.key, 0, v);
    if (score.hidden && !recipe_.has(Bug::mask_after_softmax)) continue;
    float weight = exponential(score.logit - largest_, recipe_);
    sum_.add(weight, 1);
    if (score.hidden) continue;
    if (recipe_.has(Bug::probabilities_rounded_to_bfloat16)) weight = rounded_to_bits(weight, kBitsOfBfloat16);
    add_value(score.key, weight * score.kept, v);
  }
}

void OnlineSoftmax::add_value(std::int64_t key, float weight, const float* v) {
  const float* value = v + key * static_cast<std::int64_t>(values_.size());
  for (std::size_t c = 0; c < values_.size(); ++c) values_[c].add(weight, value[c]);
}

void OnlineSoftmax::absorb_padding(std::int64_t keys, bool in_sum) {
  if (!saw_a_key_ || keys == 0) return;
  if (largest_ < 0) rescale(0);
  if (in_sum) sum_.add(static_cast<float>(keys), exponential(0 - largest_, recipe_));
}

void OnlineSoftmax::add_leftover(const OnlineSoftmax& other) {
  sum_.add(other.sum(), 1);
  for (std::size_t c = 0; c < std::min(values_.size(), other.values_.size()); ++c) {
    values_[c].add(other.values_[c].value(), 1);
  }
}

void OnlineSoftmax::merge(const OnlineSoftmax& other) {
  if (!other.saw_a_key_) return;
  saw_a_key_ = true;
  const float largest = std::max(largest_, other.largest_);
  rescale(largest);
  const float factor = exponential(other.largest_ - largest, recipe_);
  sum_.add(factor, other.sum());
  for (std::size_t c = 0; c < values_.size(); ++c) values_[c].add(factor, other.values_[c].value());
}

}  // namespace attest::bug_zoo
