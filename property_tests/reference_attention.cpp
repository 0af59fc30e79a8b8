#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "property_tests/sample_layer.h"
#include "property_tests/share_of_budget.h"
#include "reference/attention.h"
#include "reference/multi_head_attention.h"
#include "reference/truth.h"

/// What attention does with hidden keys and with values that are no numbers; the float reference and the truth alike.
namespace attest::property_tests {
namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::int64_t kKeys = 5, kChannels = 4;

struct Attention {
  Tensor q = sample_tensor({1, 1, 3, kChannels}, 1), k = sample_tensor({1, 1, kKeys, kChannels}, 2),
         v = sample_tensor({1, 1, kKeys, kChannels}, 3);
  Mask mask;

  AttentionInputs inputs() const { return {q, k, v, mask}; }
  void poison_key(std::size_t j, float value) {
    for (std::size_t c = 0; c < kChannels; ++c) k.as<float>()[j * kChannels + c] = value;
  }
  void poison_value(std::size_t j, float value) {
    for (std::size_t c = 0; c < kChannels; ++c) v.as<float>()[j * kChannels + c] = value;
  }
};

FloatMask float_mask(std::vector<float> values) {
  FloatMask mask{Tensor(DType::float32, {1, 1, kKeys})};
  std::ranges::copy(values, mask.values.as<float>().begin());
  return mask;
}

BoolMask bool_mask(std::vector<std::uint8_t> values) {
  BoolMask mask{Tensor(DType::boolean, {1, 1, kKeys})};
  std::ranges::copy(values, mask.values.as<std::uint8_t>().begin());
  return mask;
}

bool is_all(const Tensor& tensor, bool (*holds)(double)) {
  const auto values = to_doubles(tensor);
  return std::ranges::all_of(values, holds);
}
bool is_zero(double value) { return value == 0; }
bool is_nan(double value) { return std::isnan(value); }
bool is_finite(double value) { return std::isfinite(value); }

void expect_all(const Attention& attention, bool (*holds)(double)) {
  EXPECT_TRUE(is_all(reference::attention(attention.inputs()), holds));
  EXPECT_TRUE(is_all(reference::attention_truth(attention.inputs()).value, holds));
}

TEST(reference_attention, a_hidden_key_is_never_read) {
  for (const Mask& mask : {Mask(bool_mask({1, 0, 1, 1, 0})), Mask(float_mask({0, -kInfinity, 1, 2, -kInfinity}))}) {
    Attention clean;
    clean.mask = mask;
    Attention poisoned = clean;
    for (const std::size_t hidden : {1, 4}) {
      poisoned.poison_key(hidden, kNaN);
      poisoned.poison_value(hidden, kInfinity);
    }
    const Tensor expected = reference::attention(clean.inputs()), got = reference::attention(poisoned.inputs());
    EXPECT_TRUE(std::ranges::equal(expected.bytes(), got.bytes()));
    const auto truth = reference::attention_truth(poisoned.inputs());
    EXPECT_LE(share_of_budget(got, truth), 1);
    EXPECT_TRUE(is_all(truth.budget, is_finite));
  }
}

TEST(reference_attention, a_future_key_is_never_read) {
  Attention clean, poisoned;
  poisoned.poison_key(4, kNaN);
  poisoned.poison_value(3, kNaN);
  const AttentionInputs clean_inputs{clean.q, clean.k, clean.v, clean.mask, true};
  const AttentionInputs poisoned_inputs{poisoned.q, poisoned.k, poisoned.v, poisoned.mask, true};
  EXPECT_TRUE(
      std::ranges::equal(reference::attention(clean_inputs).bytes(), reference::attention(poisoned_inputs).bytes()));
}

TEST(reference_attention, a_token_that_sees_no_key_is_exactly_zero) {
  Attention attention;
  attention.poison_value(0, kNaN);
  attention.mask = bool_mask({0, 0, 0, 0, 0});
  expect_all(attention, is_zero);
  attention.mask = float_mask(std::vector<float>(kKeys, -kInfinity));
  expect_all(attention, is_zero);
}

TEST(reference_attention, a_visible_nan_reaches_every_channel) {
  Attention attention;
  attention.poison_key(2, kNaN);
  expect_all(attention, is_nan);
}

TEST(reference_attention, an_infinite_bias_gives_nan) {
  Attention attention;
  attention.mask = float_mask({0, kInfinity, 0, 0, 0});
  expect_all(attention, is_nan);
}

TEST(reference_attention, a_bias_that_absorbs_every_score_leaves_the_mean_of_the_values) {
  Attention attention;
  attention.mask = float_mask(std::vector<float>(kKeys, std::numeric_limits<float>::lowest()));
  const Tensor y = reference::attention(attention.inputs());
  for (std::size_t c = 0; c < kChannels; ++c) {
    double mean = 0;
    for (std::size_t j = 0; j < kKeys; ++j) mean += attention.v.as<float>()[j * kChannels + c] / double(kKeys);
    EXPECT_NEAR(y.as<float>()[c], mean, 1e-6);
  }
  const auto truth = reference::attention_truth(attention.inputs());
  EXPECT_LE(share_of_budget(y, truth), 1);
  for (const double budget : truth.budget.as<double>()) EXPECT_LT(budget, 1e-5);  // and it is still a strict judge
}

Tensor in_bfloat16(const Shape& shape, const std::vector<double>& values) {
  Tensor tensor(DType::bfloat16, shape);
  std::ranges::transform(values, tensor.as<bfloat16>().begin(), [](double value) { return round_to_bfloat16(value); });
  return tensor;
}

/// Beside empty slots of score 0, keys at -90 have weights of which bfloat16 keeps no digits. torch stores them so.
TEST(reference_attention, a_weight_stored_as_a_subnormal_number_may_be_off_by_half_the_smallest) {
  const std::vector<double> bias{0, 0, -89.5, 0, -90};
  std::vector<double> values(kKeys * kChannels, 0);
  for (std::size_t c = 0; c < kChannels; ++c) {
    values[2 * kChannels + c] = 100 + 3 * double(c);
    values[4 * kChannels + c] = 130;
  }
  const Shape keys{1, 1, kKeys, kChannels}, queries{1, 1, 1, kChannels};
  const Attention attention{Tensor(DType::bfloat16, queries), Tensor(DType::bfloat16, keys), in_bfloat16(keys, values),
                            FloatMask{in_bfloat16({1, 1, kKeys}, bias)}};
  double sum = 0;
  for (const double logit : bias) sum += std::exp(logit);
  std::vector<double> y(kChannels, 0);
  for (std::size_t at = 0; at < values.size(); ++at) {
    y[at % kChannels] += to_float(round_to_bfloat16(std::exp(bias[at / kChannels]) / sum)) * values[at];
  }
  const auto truth = reference::attention_truth(attention.inputs());
  EXPECT_LE(share_of_budget(in_bfloat16(queries, y), truth), 1);
  EXPECT_GT(share_of_budget(Tensor(DType::bfloat16, queries), truth), 1);
}

/// Two heads that see different keys, with a bias each; dropout takes a weight of the first.
reference::AttentionCall<double> call_with_masks_by_head() {
  Attention attention;
  attention.q = sample_tensor({1, 2, 3, kChannels}, 4);
  auto call = reference::attention_call<double>(attention.inputs());
  call.scale = 0.25;
  call.mask.visible = xt::ones<bool>({1, 2, 1, int{kKeys}});
  call.mask.visible(0, 1, 0, 3) = false;
  call.mask.bias = xt::zeros<double>({1, 2, 3, 1});
  (*call.mask.bias)(0, 1, 2, 0) = 2;
  call.mask.kept = xt::ones<double>({1, 2, 3, int{kKeys}}) * 2.0;
  (*call.mask.kept)(0, 0, 1, 4) = 0;
  return call;
}

TEST(reference_attention, each_head_has_its_mask_and_dropout_multiplies_the_weights_after_the_softmax) {
  const auto call = call_with_masks_by_head();
  const auto y = reference::attention(call);
  for (std::size_t h = 0; h < 2; ++h) {
    for (std::size_t i = 0; i < 3; ++i) {
      std::vector<double> weights(kKeys, 0), expected(kChannels, 0);
      double sum = 0;
      for (std::size_t j = 0; j < kKeys; ++j) {
        if (!call.mask.visible(0, h, 0, j)) continue;
        double score = (*call.mask.bias)(0, h, i, 0);
        for (std::size_t c = 0; c < kChannels; ++c) score += 0.25 * call.q(0, h, i, c) * call.k(0, 0, j, c);
        sum += weights[j] = std::exp(score);
      }
      for (std::size_t j = 0; j < kKeys; ++j) {
        const double weight = weights[j] / sum * (*call.mask.kept)(0, h, i, j);
        for (std::size_t c = 0; c < kChannels; ++c) expected[c] += weight * call.v(0, 0, j, c);
      }
      for (std::size_t c = 0; c < kChannels; ++c) EXPECT_NEAR(y(0, h, i, c), expected[c], 1e-15);
    }
  }
}

TEST(reference_attention, a_constant_that_dropout_multiplies_by_is_as_good_as_larger_values) {
  auto kept = call_with_masks_by_head(), larger = kept;
  kept.mask.kept = xt::ones<double>({1, 1, 1, 1}) * 2.0;
  larger.mask.kept.reset();
  larger.v *= 2.0;
  const auto zeros = reference::Array<double>(xt::zeros_like(kept.q)),
             keys = reference::Array<double>(xt::zeros_like(kept.k));
  const reference::Budget of_queries{zeros + 1e-6, zeros + 1e-6}, of_keys{keys + 1e-6, keys + 1e-6}, exact{keys, keys};
  const reference::AttentionInputBudgets inputs{of_queries, of_keys, exact};
  for (const auto* each : {static_cast<const reference::AttentionInputBudgets*>(nullptr), &inputs}) {
    const auto ours = reference::budgeted_attention(kept, DType::float32, each);
    const auto theirs = reference::budgeted_attention(larger, DType::float32, each);
    for (std::size_t n = 0; n < ours.y.size(); ++n) {
      EXPECT_EQ(ours.y.data()[n], theirs.y.data()[n]);
      const double budget = ours.budget.statistical.data()[n], of_values = theirs.budget.statistical.data()[n];
      EXPECT_GE(budget, of_values);  // one rounding more
      EXPECT_LE(budget, 1.2 * of_values);
    }
  }
}

}  // namespace
}  // namespace attest::property_tests
