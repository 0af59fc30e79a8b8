#include "optimized/blocking.h"

#include <gtest/gtest.h>

#include "fixtures/error.h"
#include "optimized/multi_head_attention.h"
#include "property_tests/optimized_layer_cases.h"

/// What a caller lets a layer use: how blocks follow the cache, and that neither they nor the threads change a bit.
namespace attest {
namespace {

using optimized::Blocking;
using optimized::blocking_for;
using optimized::MultiHeadAttention;
using optimized::Target;

constexpr std::size_t kKibibyte = 1024;

TEST(optimized_blocking, follows_the_second_level_cache_in_whole_register_tiles) {
  for (const std::size_t cache : {256 * kKibibyte, 512 * kKibibyte, 1024 * kKibibyte, 2048 * kKibibyte}) {
    for (const std::size_t tile : {4, 6, 14}) {
      const Blocking blocking = blocking_for(tile, 8 * tile, cache);
      const std::size_t bytes = blocking.block_rows * (blocking.group_columns + blocking.depth_block) * sizeof(float);
      EXPECT_EQ(blocking.block_rows % tile, 0U);
      EXPECT_LE(bytes, cache / 2);
      EXPECT_GT(bytes, cache / 4);
      EXPECT_LT(blocking.resident_bytes, cache / 2);
    }
  }
}

TEST(optimized_blocking, believes_no_absurd_cache_and_has_a_fallback) {
  EXPECT_EQ(blocking_for(4, 64, 0).block_rows, blocking_for(4, 64, 512 * kKibibyte).block_rows);
  EXPECT_EQ(blocking_for(14, 112, 1).block_rows, blocking_for(14, 112, 128 * kKibibyte).block_rows);
  EXPECT_EQ(blocking_for(14, 112, ~std::size_t{0}).block_rows, blocking_for(14, 112, 4096 * kKibibyte).block_rows);
}

TEST(optimized_blocking, cuts_sums_in_the_same_places_whatever_the_caches_are) {
  const Blocking small = blocking_for(14, 112, 256 * kKibibyte), large = blocking_for(14, 112, 2048 * kKibibyte);
  EXPECT_EQ(small.depth_block, large.depth_block);
  EXPECT_EQ(small.part_keys, large.part_keys);
  EXPECT_EQ(small.few_tiles, large.few_tiles);
  EXPECT_EQ(small.attention_rows, large.attention_rows);
}

class optimized_resources : public testing::TestWithParam<Target> {};

TEST_P(optimized_resources, change_no_bit) {
  Random random(61);
  const LayerShape n{.b = 2, .s_x = 150, .n_h = 6, .n_kv = 2, .h_d = 40, .d = 300, .norm = true, .positions = 150};
  const LayerSpec layer = random_layer(random, n);
  const Inputs inputs{normal(random, {n.b, n.s_x, n.d}), SameAsX{}, BoolMask{flags(random, {1, n.s_x, n.s_x}, 0.7)},
                      std::nullopt};
  Tensor alone = output_for(layer, inputs);
  MultiHeadAttention(layer, GetParam(), {.threads = 1, .blocking = {}}).forward(inputs, alone);
  Blocking least = optimized::default_blocking(GetParam()), most = least;
  least.group_columns = least.block_rows = least.packed_blocks = 1;
  least.resident_bytes = least.key_value_bytes = 0;
  most.group_columns = most.block_rows = 100'000;
  most.packed_blocks = 5;
  most.resident_bytes = 100'000'000;
  for (const Blocking& blocking : {least, most}) {
    for (const int threads : {0, 1, 2, 5}) {
      Tensor output = output_for(layer, inputs);
      MultiHeadAttention(layer, GetParam(), {.threads = threads, .blocking = blocking}).forward(inputs, output);
      EXPECT_TRUE(std::ranges::equal(output.bytes(), alone.bytes())) << threads << " threads";
    }
  }
}

TEST_P(optimized_resources, of_fewer_than_no_threads_are_refused) {
  const Tensor x(DType::float32, {1, 4}), weight(DType::float32, {4, 4});
  try {
    optimized::linear({x, weight, nullptr}, GetParam(), {.threads = -1, .blocking = {}});
    FAIL() << "-1 threads were accepted";
  } catch (const InputError& error) {
    EXPECT_EQ(error.field, "threads");
  }
}

TEST_P(optimized_resources, with_blocks_that_cannot_be_are_refused) {
  const Tensor x(DType::float32, {1, 4}), weight(DType::float32, {4, 4});
  Blocking no_depth = optimized::default_blocking(GetParam()), cuts_a_block = no_depth;
  no_depth.depth_block = 0;
  cuts_a_block.part_keys = optimized::kKeyBlock / 2;
  for (const Blocking& blocking : {no_depth, cuts_a_block}) {
    EXPECT_THROW(optimized::linear({x, weight, nullptr}, GetParam(), {.threads = 1, .blocking = blocking}), InputError);
  }
}

INSTANTIATE_TEST_SUITE_P(all, optimized_resources, testing::ValuesIn(usable_targets()),
                         target_name<testing::TestParamInfo<Target>>);

}  // namespace
}  // namespace attest
