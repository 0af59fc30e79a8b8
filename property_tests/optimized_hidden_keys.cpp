#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "fixtures/packed_documents.h"
#include "optimized/multi_head_attention.h"
#include "property_tests/optimized_inputs.h"
#include "property_tests/share_of_budget.h"

/// What a hidden key must not do, what a visible one must, and inputs whose answer is known exactly.
namespace attest {
namespace {

using optimized::Target;

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

class optimized_hidden_keys : public testing::TestWithParam<Target> {
 protected:
  Random random{21};

  Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, const Mask& mask, bool causal = false) {
    return optimized::attention({q, k, v, mask, causal}, GetParam());
  }
};

bool same_bits(const Tensor& a, const Tensor& b) { return std::ranges::equal(a.bytes(), b.bytes()); }

/// Writes `value` into every channel of key `key` of [1, n, s, h_d].
void spoil(Tensor& tensor, std::int64_t key, float value) {
  const std::int64_t s = tensor.dim(2), h_d = tensor.dim(3);
  for (std::int64_t head = 0; head < tensor.dim(1); ++head) {
    std::ranges::fill(tensor.as<float>().subspan((head * s + key) * h_d, h_d), value);
  }
}

TEST_P(optimized_hidden_keys, a_hidden_key_leaves_no_trace_whatever_it_holds) {
  const Tensor q = normal(random, {1, 4, 20, 24}), k = normal(random, {1, 2, 300, 24}),
               v = normal(random, {1, 2, 300, 24});
  BoolMask boolean{flags(random, {1, 20, 300}, 0.6)};
  FloatMask additive{normal(random, {1, 20, 300})};
  for (const std::int64_t key : {0, 31, 32, 255, 256, 299}) {
    for (std::int64_t token = 0; token < 20; ++token) {
      boolean.values.as<std::uint8_t>()[token * 300 + key] = 0;
      additive.values.as<float>()[token * 300 + key] = -kInf;
    }
  }
  for (const Mask& mask : {Mask{boolean}, Mask{additive}}) {
    const Tensor clean = attend(q, k, v, mask);
    for (const float poison : {kNaN, kInf, -kInf, 3e38f}) {
      Tensor bad_k = k, bad_v = v;
      for (const std::int64_t key : {0, 31, 32, 255, 256, 299}) {
        spoil(bad_k, key, poison);
        spoil(bad_v, key, poison);
      }
      EXPECT_TRUE(same_bits(clean, attend(q, bad_k, bad_v, mask))) << poison;
    }
  }
}

TEST_P(optimized_hidden_keys, the_future_leaves_no_trace_under_causality) {
  const Tensor q = normal(random, {1, 4, 300, 24}), k = normal(random, {1, 2, 300, 24}),
               v = normal(random, {1, 2, 300, 24});
  const Tensor clean = attend(q, k, v, NoMask{}, true);
  for (const std::int64_t key : {1, 31, 32, 100, 257, 299}) {
    Tensor bad_k = k, bad_v = v;
    spoil(bad_k, key, kNaN);
    spoil(bad_v, key, kInf);
    const Tensor spoiled = attend(q, bad_k, bad_v, NoMask{}, true);
    for (std::int64_t head = 0; head < 4; ++head) {
      const auto before = clean.as<float>().subspan(head * 300 * 24, key * 24);
      EXPECT_TRUE(std::ranges::equal(before, spoiled.as<float>().subspan(head * 300 * 24, key * 24)));
      EXPECT_TRUE(std::isnan(spoiled.as<float>()[(head * 300 + key) * 24]));
    }
  }
}

TEST_P(optimized_hidden_keys, NaN_and_infinite_scores_that_are_visible_make_the_row_NaN) {
  const Tensor q = normal(random, {1, 1, 5, 8}), v = normal(random, {1, 1, 40, 8});
  for (const float poison : {kNaN, kInf}) {
    FloatMask mask{Tensor(DType::float32, {1, 5, 40})};
    mask.values.as<float>()[2 * 40 + 33] = poison;
    const Tensor out = attend(q, normal(random, {1, 1, 40, 8}), v, mask);
    for (std::int64_t i = 0; i < 40; ++i) EXPECT_EQ(std::isnan(out.as<float>()[i]), i / 8 == 2) << poison;
  }
}

TEST_P(optimized_hidden_keys, a_visible_NaN_value_reaches_its_channel_even_with_a_weight_that_underflows) {
  Tensor q(DType::float32, {1, 1, 1, 2}), k(DType::float32, {1, 1, 3, 2}), v = normal(random, {1, 1, 3, 2});
  q.as<float>()[0] = 100.0f;
  k.as<float>()[0] = 100.0f;  // key 0 has a score of 7071, the others 0
  v.as<float>()[5] = kNaN;
  const Tensor out = attend(q, k, v, NoMask{});
  EXPECT_EQ(out.as<float>()[0], v.as<float>()[0]);
  EXPECT_TRUE(std::isnan(out.as<float>()[1]));
}

TEST_P(optimized_hidden_keys, a_row_that_sees_nothing_is_exactly_zero) {
  const Tensor q = normal(random, {1, 2, 6, 10}), k = normal(random, {1, 1, 70, 10});
  Tensor v = normal(random, {1, 1, 70, 10});
  BoolMask boolean{flags(random, {1, 6, 70}, 0.5)};
  std::ranges::fill(boolean.values.as<std::uint8_t>().subspan(3 * 70, 70), std::uint8_t{0});
  FloatMask additive{Tensor(DType::float32, {1, 6, 70})};
  std::ranges::fill(additive.values.as<float>().subspan(3 * 70, 70), -kInf);
  v.as<float>()[0] = kNaN;
  for (const Mask& mask : {Mask{boolean}, Mask{additive}}) {
    const Tensor out = attend(q, k, v, mask);
    for (const std::int64_t head : {0, 1}) {
      for (const float y : out.as<float>().subspan((head * 6 + 3) * 10, 10)) EXPECT_EQ(y, 0.0f);
    }
  }
}

TEST_P(optimized_hidden_keys, a_rare_key_with_a_huge_value_counts) {
  for (const std::int64_t keys : {2, 300}) {
    Tensor q(DType::float32, {1, 1, 1, 1}), k(DType::float32, {1, 1, keys, 1}), v(DType::float32, {1, 1, keys, 1});
    q.as<float>()[0] = 1.0f;
    std::ranges::fill(k.as<float>(), 0.0f);
    k.as<float>()[1] = -20.7f;  // p about 1e-9
    std::ranges::fill(v.as<float>(), 1.0f);
    v.as<float>()[1] = 1e12f;
    const AttentionInputs inputs{q, k, v, NoMask{}, false};
    const double e = property_tests::share_of_budget(attend(q, k, v, NoMask{}), reference::attention_truth(inputs));
    EXPECT_LE(e, 1.0);
  }
}

TEST_P(optimized_hidden_keys, scores_that_grow_or_fall_by_hundreds_stay_within_the_budget) {
  for (const double slope : {300.0, -300.0, 3.0, -3.0, 0.2}) {
    const Tensor q = normal(random, {1, 2, 3, 8}, 0.01), v = normal(random, {1, 1, 600, 8});
    Tensor k = normal(random, {1, 1, 600, 8});
    for (std::int64_t i = 0; i < k.size(); ++i) {
      k.as<float>()[i] += static_cast<float>(slope * double(i / 8));
    }
    const Mask mask = NoMask{};
    const AttentionInputs inputs{q, k, v, mask, false};
    EXPECT_LE(property_tests::share_of_budget(attend(q, k, v, mask), reference::attention_truth(inputs)), 1.0) << slope;
  }
}

/// In the subnormal range every product is rounded to the smallest number, so a sum of five is a step or two off.
TEST_P(optimized_hidden_keys, subnormal_values_are_not_flushed_to_zero) {
  const Tensor q = normal(random, {1, 1, 3, 4}), k = normal(random, {1, 1, 5, 4});
  Tensor v = normal(random, {1, 1, 5, 4});
  for (auto& value : v.as<float>()) value *= 1e-40f;
  const Mask mask = NoMask{};
  const Tensor value = reference::attention_truth({q, k, v, mask, false}).value;
  const auto truth = value.as<double>();
  const Tensor out = attend(q, k, v, mask);
  for (std::size_t i = 0; i < truth.size(); ++i) EXPECT_NEAR(out.as<float>()[i], truth[i], 3 * 0x1p-149);
}

TEST_P(optimized_hidden_keys, the_lowest_number_as_a_mask_everywhere_gives_the_mean) {
  const Tensor q = normal(random, {1, 2, 3, 8}), k = normal(random, {1, 1, 40, 8}), v = normal(random, {1, 1, 40, 8});
  FloatMask mask{Tensor(DType::float32, {1, 3, 40})};
  std::ranges::fill(mask.values.as<float>(), std::numeric_limits<float>::lowest());
  const Tensor open(DType::float32, k.shape());  // keys of zero: every score is 0
  const Tensor out = attend(q, k, v, mask), mean = attend(q, open, v, NoMask{});
  for (std::int64_t i = 0; i < out.size(); ++i) EXPECT_NEAR(out.as<float>()[i], mean.as<float>()[i], 1e-6);
}

TEST_P(optimized_hidden_keys, identical_keys_give_the_exact_mean_of_integer_values) {
  for (const std::int64_t keys : {1, 2, 64, 512}) {
    const Tensor q = normal(random, {1, 2, 3, 6});
    Tensor k(DType::float32, {1, 1, keys, 6}), v(DType::float32, {1, 1, keys, 6});
    for (std::int64_t i = 0; i < keys * 6; ++i) {
      k.as<float>()[i] = 0.37f * static_cast<float>(i % 6);
      v.as<float>()[i] = static_cast<float>(static_cast<int>(random() % 200) - 100);
    }
    const Tensor out = attend(q, k, v, NoMask{});
    for (std::int64_t c = 0; c < 6; ++c) {
      double sum = 0;
      for (std::int64_t key = 0; key < keys; ++key) sum += v.as<float>()[key * 6 + c];
      for (std::int64_t row = 0; row < 6; ++row) EXPECT_EQ(out.as<float>()[row * 6 + c], sum / double(keys));
    }
  }
}

TEST_P(optimized_hidden_keys, packed_documents_give_the_bits_of_their_mask) {
  const Tensor q = normal(random, {2, 4, 330, 16}), k = normal(random, {2, 2, 330, 16}),
               v = normal(random, {2, 2, 330, 16});
  Tensor seq_lens(DType::int64, {2, 4});
  std::ranges::copy(std::array{20, 1, 260, 49, 128, 202, 0, 0}, seq_lens.as<std::int64_t>().begin());
  const PackedBlockCausalMask documents{seq_lens};
  const BoolMask mask{block_causal_mask(documents)};
  EXPECT_TRUE(same_bits(attend(q, k, v, documents), attend(q, k, v, mask)));
  Tensor spoiled = v;
  spoiled.as<float>()[40 * 16] = std::numeric_limits<float>::infinity();
  EXPECT_TRUE(same_bits(attend(q, k, spoiled, documents), attend(q, k, spoiled, mask)));
}

/// A mask of runs is not looked up; one with a hole is.
TEST_P(optimized_hidden_keys, a_hole_in_one_row_of_a_mask_changes_no_bit_of_the_other_rows) {
  constexpr std::int64_t s = 290, h_d = 16, holed = 100;
  const Tensor q = normal(random, {1, 1, s, h_d}), k = normal(random, {1, 1, s, h_d}),
               v = normal(random, {1, 1, s, h_d});
  BoolMask mask{Tensor(DType::boolean, {1, s, s})};
  const auto flags = mask.values.as<std::uint8_t>();
  for (std::int64_t i = 0; i < s; ++i) std::ranges::fill(flags.subspan(i * s + i / 2, i + 1 - i / 2), std::uint8_t{1});
  const Tensor whole = attend(q, k, v, mask);
  flags[holed * s + 70] = 0;
  const Tensor out = attend(q, k, v, mask);
  for (std::int64_t i = 0; i < s; ++i) {
    const auto row = [&](const Tensor& t) { return t.as<float>().subspan(i * h_d, h_d); };
    EXPECT_EQ(std::ranges::equal(row(whole), row(out)), i != holed) << "row " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(all, optimized_hidden_keys, testing::ValuesIn(usable_targets()),
                         target_name<testing::TestParamInfo<Target>>);

}  // namespace
}  // namespace attest
