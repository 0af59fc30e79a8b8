#include <cmath>
#include <vector>

#include "harness/bug_zoo/kernels.h"
#include "harness/bug_zoo/sums.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

/// 1 / sqrt(mean(values^2) + eps)
float reciprocal_rms(const std::vector<float>& values, float eps, const Recipe& recipe) {
  const auto count = static_cast<std::int64_t>(values.size());
  const float mean = dot(values.data(), values.data(), count, recipe.design) / static_cast<float>(count);
  if (recipe.has(Bug::norm_without_epsilon)) return 1 / std::sqrt(mean);
  if (recipe.has(Bug::norm_epsilon_outside_root)) return 1 / (std::sqrt(mean) + eps);
  return 1 / std::sqrt(mean + eps);
}

std::vector<float> without_mean(std::vector<float> row) {
  float sum = 0;
  for (const float value : row) sum += value;
  for (float& value : row) value -= sum / static_cast<float>(row.size());
  return row;
}

/// All channels of all heads [b, n, s, h_d] of the token that element `at` belongs to.
std::vector<float> heads_of_token(const attest_norm& call, std::int64_t at) {
  const std::int64_t n = extent(*call.x, 1), s = extent(*call.x, 2), h_d = extent(*call.x, 3);
  const std::int64_t sample = at / (n * s * h_d), token = at / h_d % s;
  std::vector<float> group;
  for (std::int64_t head = 0; head < n; ++head) {
    const float* row = elements(*call.x) + ((sample * n + head) * s + token) * h_d;
    group.insert(group.end(), row, row + h_d);
  }
  return group;
}

/// What is normalised together with element `at`: its row, or wrongly the column of the last two axes.
std::vector<float> group_of(const attest_norm& call, std::int64_t at, const Recipe& recipe) {
  if (recipe.has(Bug::norm_over_all_heads) && call.x->ndim == 4) return heads_of_token(call, at);
  const std::int64_t h_d = extent(*call.x, -1), rows = extent(*call.x, -2);
  const bool by_column = recipe.has(Bug::norm_over_wrong_axis);
  const std::int64_t matrix = at / (rows * h_d) * rows * h_d;
  const std::int64_t begin = by_column ? matrix + at % h_d : at / h_d * h_d;
  std::vector<float> group;
  for (std::int64_t n = 0; n < (by_column ? rows : h_d); ++n) {
    group.push_back(elements(*call.x)[begin + n * (by_column ? h_d : 1)]);
  }
  return group;
}

}  // namespace

void norm(const attest_norm& call, const Recipe& recipe) {
  const std::int64_t h_d = extent(*call.x, -1);
  for (std::int64_t at = 0; at < element_count(*call.x); ++at) {
    const std::int64_t channel = at % h_d;
    std::vector<float> group = group_of(call, at, recipe);
    float value = elements(*call.x)[at];
    if (recipe.has(Bug::norm_subtracts_mean)) {
      group = without_mean(std::move(group));
      value = group[static_cast<std::size_t>(channel)];
    }
    const float normal = value * reciprocal_rms(group, static_cast<float>(call.eps), recipe);
    writable(*call.out)[at] = recipe.has(Bug::norm_scale_dropped) ? normal : normal * elements(*call.scale)[channel];
  }
}

}  // namespace attest::bug_zoo
