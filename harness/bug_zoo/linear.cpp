#include <map>
#include <utility>
#include <vector>

#include "harness/bug_zoo/kernels.h"
#include "harness/bug_zoo/rounding.h"
#include "harness/bug_zoo/sums.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {
namespace {

/// The weights of the first call with this shape.
const float* packed_once(const DLTensor& weight) {
  static std::map<std::pair<std::int64_t, std::int64_t>, std::vector<float>> packed;
  const auto [entry, is_new] = packed.try_emplace({extent(weight, 0), extent(weight, 1)});
  if (is_new) entry->second.assign(elements(weight), elements(weight) + element_count(weight));
  return entry->second.data();
}

/// Row `feature` of the weight.
std::vector<float> weight_row(const attest_linear& call, std::int64_t feature, const Recipe& recipe) {
  const std::int64_t out_features = extent(*call.weight, 0), in_features = extent(*call.weight, 1);
  const bool transposed = recipe.has(Bug::weight_transposed_when_square) && out_features == in_features;
  const float* weight =
      recipe.has(Bug::weights_kept_from_first_call) ? packed_once(*call.weight) : elements(*call.weight);
  std::vector<float> row;
  for (std::int64_t k = 0; k < in_features; ++k) {
    const float value = transposed ? weight[k * in_features + feature] : weight[feature * in_features + k];
    row.push_back(recipe.has(Bug::weight_rounded_to_tf32) ? rounded_to_bits(value, kBitsOfTf32) : value);
  }
  return row;
}

float bias_of(const attest_linear& call, std::int64_t feature, const Recipe& recipe) {
  if (call.bias == nullptr || recipe.has(Bug::bias_dropped)) return 0;
  const float bias = elements(*call.bias)[feature];
  return recipe.has(Bug::bias_added_twice) ? 2 * bias : bias;
}

}  // namespace

void linear(const attest_linear& call, const Recipe& recipe) {
  const std::int64_t out_features = extent(*call.weight, 0), in_features = extent(*call.weight, 1);
  const std::int64_t rows = element_count(*call.x) / in_features;
  const std::int64_t written = recipe.has(Bug::last_row_unwritten) ? rows - rows % 2 : rows;
  for (std::int64_t feature = 0; feature < out_features; ++feature) {
    const std::vector<float> weight = weight_row(call, feature, recipe);
    const float bias = bias_of(call, feature, recipe);
    for (std::int64_t row = 0; row < written; ++row) {
      const float y = dot(elements(*call.x) + row * in_features, weight.data(), in_features, recipe.design) + bias;
      float& out = writable(*call.out)[row * out_features + feature];
      out = recipe.has(Bug::output_added_to) ? out + y : y;
    }
  }
}

}  // namespace attest::bug_zoo
