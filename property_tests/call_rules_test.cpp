#include <gtest/gtest.h>

#include "fixtures/validate.h"

/// The two rules of a call that torchtune does not write down: when it is causal, and how many keys it has.
namespace attest {
namespace {

Config with_cache(const KVCacheConfig& cache) {
  Config config;
  config.kv_cache = cache;
  return config;
}

Inputs five_tokens() {
  Inputs inputs;
  inputs.x = Tensor(DType::float32, {2, 5, 16});
  return inputs;
}

TEST(attends_causally, without_a_mask_and_without_any_cache_even_one_that_is_not_enabled) {
  auto inputs = five_tokens();
  EXPECT_TRUE(attends_causally(with_cache(NoKVCache{}), inputs));
  EXPECT_FALSE(attends_causally(with_cache(KVCache{2, 8, true}), inputs));
  EXPECT_FALSE(attends_causally(with_cache(KVCache{2, 8, false}), inputs));
  inputs.mask = BoolMask{Tensor(DType::boolean, {1, 1, 1})};
  EXPECT_FALSE(attends_causally(with_cache(NoKVCache{}), inputs));
}

TEST(attends_causally, only_if_the_layer_is_causal) {
  auto config = with_cache(NoKVCache{});
  config.is_causal = false;
  EXPECT_FALSE(attends_causally(config, five_tokens()));
}

TEST(key_count, is_the_length_of_y_or_of_the_enabled_cache) {
  auto inputs = five_tokens();
  EXPECT_EQ(key_count(with_cache(NoKVCache{}), inputs), 5);
  EXPECT_EQ(key_count(with_cache(KVCache{2, 8, false}), inputs), 5);
  EXPECT_EQ(key_count(with_cache(KVCache{2, 8, true}), inputs), 8);
  inputs.y = Tensor(DType::float32, {2, 7, 16});
  EXPECT_EQ(key_count(with_cache(NoKVCache{}), inputs), 7);
  inputs.y = AbsentY{};
  EXPECT_EQ(key_count(with_cache(KVCache{2, 8, true}), inputs), 8);
}

}  // namespace
}  // namespace attest
