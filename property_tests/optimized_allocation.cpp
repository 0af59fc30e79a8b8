#include <gtest/gtest.h>

#include "fixtures/block_mask.h"
#include "optimized/multi_head_attention.h"
#include "property_tests/counted_allocations.h"
#include "property_tests/optimized_layer_cases.h"

/// After its first call of a shape, a layer needs nothing from the heap.
namespace attest {
namespace {

using optimized::MultiHeadAttention;
using optimized::Target;

class optimized_allocation : public testing::TestWithParam<Target> {
 protected:
  void SetUp() override {
    if (!no_counting().empty()) GTEST_SKIP() << no_counting();
    const std::size_t before = allocations();
    const Tensor shape_and_bytes(DType::float32, {1});
    ASSERT_GE(allocations() - before, 2u) << "allocations are not counted";
  }

  /// Allocations of the last of `calls` calls.
  std::size_t of_last_call(const LayerSpec& layer, const Inputs& inputs, int calls = 2,
                           const optimized::Resources& resources = {}) {
    MultiHeadAttention attention(layer, GetParam(), resources);
    Tensor output = output_for(layer, inputs);
    for (int call = 1; call < calls; ++call) attention.forward(inputs, output);
    const std::size_t before = allocations();
    attention.forward(inputs, output);
    return allocations() - before;
  }

  Inputs inputs(Mask mask) { return {normal(random, {n.b, n.s_x, n.d}), SameAsX{}, std::move(mask), std::nullopt}; }

  Random random{51};
  LayerShape n{.s_x = 300, .h_d = 32, .d = 64, .norm = true, .positions = 300};
};

PackedBlockCausalMask two_documents(const LayerShape& n) {
  Tensor seq_lens(DType::int64, {1, 2});
  seq_lens.as<std::int64_t>()[0] = n.s_x - 7;
  seq_lens.as<std::int64_t>()[1] = 7;
  return {seq_lens};
}

TEST_P(optimized_allocation, a_second_prefill_allocates_nothing_whatever_its_mask_is) {
  for (const int embedding : {0, 1, 3}) {
    n.embedding = embedding;
    const LayerSpec layer = random_layer(random, n);
    const Mask masks[] = {NoMask{}, BoolMask{flags(random, {n.b, n.s_x, n.s_x}, 0.5)},
                          BoolMask{flags(random, {1, 1, n.s_x}, 1.0)}, FloatMask{normal(random, {1, n.s_x, 1})},
                          two_documents(n)};
    for (const auto& mask : masks) EXPECT_EQ(of_last_call(layer, inputs(mask)), 0u) << "mask " << mask.index();
  }
}

TEST_P(optimized_allocation, a_second_call_under_blocks_allocates_nothing_of_one_head_or_each_with_holes_or_without) {
  LayerSpec layer = random_layer(random, n);
  layer.config.flex_attention = true;
  for (const std::int64_t heads : {std::int64_t{1}, n.n_h}) {
    for (const double share : {0.5, 1.0}) {
      const BlockMask mask = block_mask_of(flags(random, {n.b, heads, n.s_x, n.s_x}, share), {64, 64});
      EXPECT_EQ(of_last_call(layer, inputs(mask)), 0u) << "heads " << heads << " share " << share;
    }
  }
}

TEST_P(optimized_allocation, a_second_call_with_a_dropout_allocates_nothing) {
  LayerSpec layer = random_layer(random, n);
  layer.config.training = true;
  layer.config.attn_dropout = 0.25;
  Inputs dropped = inputs(NoMask{});
  dropped.keep = flags(random, {n.b, n.n_h, n.s_x, n.s_x}, 0.75);
  EXPECT_EQ(of_last_call(layer, dropped), 0u);
}

TEST_P(optimized_allocation, a_second_small_call_allocates_nothing) {
  n.s_x = 1;
  const LayerSpec layer = random_layer(random, n);
  EXPECT_EQ(of_last_call(layer, inputs(NoMask{})), 0u);
}

TEST_P(optimized_allocation, positions_and_another_y_allocate_nothing) {
  const LayerSpec layer = random_layer(random, n);
  Inputs positioned = inputs(NoMask{});
  positioned.input_pos = Tensor(DType::int32, {n.b, n.s_x});
  EXPECT_EQ(of_last_call(layer, positioned), 0u);
  positioned.input_pos = Tensor(DType::int64, {n.s_x});
  EXPECT_EQ(of_last_call(layer, positioned), 0u);
  Inputs crossed = inputs(NoMask{});
  crossed.y = normal(random, {n.b, 100, n.d});
  EXPECT_EQ(of_last_call(layer, crossed), 0u);
}

TEST_P(optimized_allocation, a_call_that_goes_through_its_heads_in_steps_allocates_nothing) {
  const LayerSpec layer = random_layer(random, n);
  EXPECT_EQ(of_last_call(layer, inputs(NoMask{}), 2, within(GetParam(), 1)), 0u);
}

TEST_P(optimized_allocation, the_third_token_decoded_allocates_nothing) {
  n.s_x = 1;
  LayerSpec layer = random_layer(random, n);
  layer.config.kv_cache = KVCache{n.b, 5000, true};
  EXPECT_EQ(of_last_call(layer, inputs(NoMask{}), 3), 0u);
  EXPECT_EQ(of_last_call(layer, inputs(BoolMask{flags(random, {1, 1, 5000}, 0.5)}), 3), 0u);
}

INSTANTIATE_TEST_SUITE_P(all, optimized_allocation, testing::ValuesIn(usable_targets()),
                         target_name<testing::TestParamInfo<Target>>);

}  // namespace
}  // namespace attest
