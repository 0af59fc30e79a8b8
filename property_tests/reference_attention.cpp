#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "property_tests/sample_layer.h"
#include "property_tests/share_of_budget.h"
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

}  // namespace
}  // namespace attest::property_tests
