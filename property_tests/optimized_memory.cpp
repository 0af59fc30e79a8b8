#include <gtest/gtest.h>

#include "harness/machine/resident_memory.h"
#include "optimized/multi_head_attention.h"
#include "property_tests/optimized_layer_cases.h"

/// A call without a cache keeps keys and values of some samples and heads at a time: what that saves, and that it
/// changes no bit.
namespace attest {
namespace {

using optimized::MultiHeadAttention;
using optimized::Target;

class optimized_memory : public testing::TestWithParam<Target> {};

/// During the first call of this shape; empty where it cannot be told.
std::optional<std::int64_t> growth_of_first_call(const LayerSpec& layer, const Inputs& inputs, Target target,
                                                 std::size_t budget) {
  MultiHeadAttention attention(layer, target, within(target, budget));
  Tensor output = output_for(layer, inputs);
  return harness::memory_growth([&] { attention.forward(inputs, output); });
}

constexpr std::int64_t kMebibyte = std::int64_t{1} << 20;

TEST_P(optimized_memory, a_long_prefill_keeps_to_the_budget_for_keys_and_values) {
  Random random(41);
  // 32 MiB of keys and values in all, 4 MiB a head.
  const LayerShape n{
      .b = 1, .s_x = 8192, .n_h = 8, .n_kv = 8, .h_d = 64, .d = 32, .out_features = 512, .positions = 8192};
  const LayerSpec layer = random_layer(random, n);
  // One key is visible: the test is about memory, not arithmetic.
  Tensor visible(DType::boolean, {1, 1, n.s_x});
  visible.as<std::uint8_t>()[0] = 1;
  const Inputs inputs{normal(random, {n.b, n.s_x, n.d}), SameAsX{}, BoolMask{visible}, {}};

  const auto all = growth_of_first_call(layer, inputs, GetParam(), 64 * kMebibyte);
  const auto some = growth_of_first_call(layer, inputs, GetParam(), 8 * kMebibyte);
  if (!all || !some) GTEST_SKIP() << "the peak of the memory cannot be read here";
  RecordProperty("all_heads_at_once_KiB", std::to_string(*all >> 10));
  RecordProperty("within_the_budget_KiB", std::to_string(*some >> 10));
  EXPECT_GE(*all, 32 * kMebibyte) << "the measurement sees nothing";
  EXPECT_LE(*some, 14 * kMebibyte);  // the budget, rounded up to huge pages, and a tile a thread
}

TEST_P(optimized_memory, a_large_batch_keeps_to_the_budget_however_wide_the_heads_are_together) {
  Random random(44);
  Tensor visible(DType::boolean, {1, 1, 256});
  visible.as<std::uint8_t>()[0] = 1;
  // One key/value head, 32 MiB in all; the queries take 16 MiB and are narrower or wider than the output.
  for (const std::int64_t out_features : {72, 64, 56}) {
    const LayerShape n{
        .b = 256, .s_x = 256, .n_h = 1, .n_kv = 1, .h_d = 64, .d = 16, .out_features = out_features, .positions = 256};
    const LayerSpec layer = random_layer(random, n);
    const Inputs inputs{normal(random, {n.b, n.s_x, n.d}), SameAsX{}, BoolMask{visible}, {}};
    const auto all = growth_of_first_call(layer, inputs, GetParam(), 64 * kMebibyte);
    const auto some = growth_of_first_call(layer, inputs, GetParam(), 4 * kMebibyte);
    if (!all || !some) GTEST_SKIP() << "the peak of the memory cannot be read here";
    EXPECT_GE(*all, 32 * kMebibyte) << "the measurement sees nothing";
    EXPECT_LE(*some, 10 * kMebibyte) << out_features;  // the budget, rounded up to huge pages, and a tile a thread
  }
}

void expect_same_bits_within_any_budget(const LayerSpec& layer, const Inputs& inputs, Target target) {
  Tensor all = output_for(layer, inputs);
  Stages all_stages;
  MultiHeadAttention(layer, target).forward(inputs, all, &all_stages);
  for (const std::size_t budget : {0, 3 << 15, 5 << 17, 3 << 19}) {
    Tensor some = output_for(layer, inputs);
    Stages stages;
    MultiHeadAttention attention(layer, target, within(target, budget));
    attention.forward(inputs, some, &stages);
    EXPECT_TRUE(std::ranges::equal(all.bytes(), some.bytes())) << budget;
    for (const auto& [stage, values] : all_stages) {
      EXPECT_TRUE(std::ranges::equal(values.bytes(), stages.at(stage).bytes())) << name_of(stage) << " " << budget;
    }
  }
}

TEST_P(optimized_memory, the_budget_changes_no_bit) {
  Random random(42);
  // Heads that fill whole panels can be separated one by one; of the others, only whole groups.
  for (const std::int64_t h_d : {32, 40, 6}) {
    const LayerShape n{.b = 3,
                       .s_x = 70,
                       .n_h = 40,
                       .n_kv = 20,
                       .h_d = h_d,
                       .d = 40,
                       .out_features = h_d == 6 ? 250 : 10,
                       .norm = h_d == 40,
                       .embedding = h_d == 40 ? 3 : 1,
                       .positions = 70};
    const LayerSpec layer = random_layer(random, n);
    const Tensor x = normal(random, {n.b, n.s_x, n.d});
    const BoolMask mask{flags(random, {n.b, n.s_x, n.s_x}, 0.5)};
    expect_same_bits_within_any_budget(layer, {x, SameAsX{}, NoMask{}, {}}, GetParam());
    expect_same_bits_within_any_budget(layer, {x, SameAsX{}, mask, {}}, GetParam());
    expect_same_bits_within_any_budget(layer, {x, normal(random, {n.b, 45, n.d}), NoMask{}, {}}, GetParam());
  }
}

TEST_P(optimized_memory, the_budget_does_not_move_the_cut_through_many_keys) {
  Random random(43);
  const LayerShape n{.b = 1, .n_h = 16, .n_kv = 16, .h_d = 32, .d = 16, .embedding = 0};
  LayerSpec layer = random_layer(random, n);
  layer.config.is_causal = false;
  for (const std::int64_t s_y : {100, 2100}) {
    for (const std::int64_t tokens : {1, 20}) {
      const Inputs inputs{normal(random, {1, tokens, n.d}), normal(random, {1, s_y, n.d}), NoMask{}, {}};
      expect_same_bits_within_any_budget(layer, inputs, GetParam());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(all, optimized_memory, testing::ValuesIn(usable_targets()),
                         target_name<testing::TestParamInfo<Target>>);

}  // namespace
}  // namespace attest
