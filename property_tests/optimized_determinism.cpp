#include <gtest/gtest.h>
#include <omp.h>

#include "optimized/multi_head_attention.h"
#include "property_tests/optimized_layer_cases.h"

/// The same bits for any number of threads and on every repetition.
namespace attest {
namespace {

using optimized::MultiHeadAttention;
using optimized::Target;

class optimized_determinism : public testing::TestWithParam<Target> {
 protected:
  void TearDown() override { omp_set_num_threads(threads_before_); }

 private:
  int threads_before_ = omp_get_max_threads();
};

/// Two prefills and a step of decoding.
Tensor run(const LayerSpec& layer, const std::vector<Inputs>& calls, Target target, int threads) {
  omp_set_num_threads(threads);
  MultiHeadAttention attention(layer, target);
  Tensor output;
  for (const auto& inputs : calls) {
    output = output_for(layer, inputs);
    attention.forward(inputs, output);
  }
  return output;
}

TEST_P(optimized_determinism, the_thread_count_changes_no_bit) {
  Random random(31);
  const LayerShape shapes[] = {
      {.b = 1, .s_x = 150, .n_h = 4, .n_kv = 2, .h_d = 32, .d = 128, .out_features = 128, .positions = 3000},
      {.b = 2, .s_x = 2300, .n_h = 2, .n_kv = 1, .h_d = 8, .d = 16, .out_features = 16, .positions = 3000},
  };
  for (const auto& n : shapes) {
    for (const bool cached : {false, true}) {
      LayerSpec layer = random_layer(random, n);
      std::vector<Inputs> calls = {{normal(random, {n.b, n.s_x, n.d}), SameAsX{}, NoMask{}, std::nullopt}};
      if (cached) {
        layer.config.kv_cache = KVCache{n.b, n.s_x + 8, true};
        calls.push_back({normal(random, {n.b, 1, n.d}), SameAsX{}, NoMask{}, std::nullopt});
      }
      const Tensor one = run(layer, calls, GetParam(), 1);
      for (const int threads : {2, 3, 5}) {
        EXPECT_TRUE(std::ranges::equal(one.bytes(), run(layer, calls, GetParam(), threads).bytes())) << threads;
      }
    }
  }
}

TEST_P(optimized_determinism, a_sample_has_the_same_bits_alone_and_in_a_batch) {
  Random random(32);
  LayerShape n{.b = 3, .s_x = 70, .h_d = 16, .d = 48, .positions = 70};
  const LayerSpec layer = random_layer(random, n);
  const Inputs all{normal(random, {3, 70, 48}), SameAsX{}, NoMask{}, std::nullopt};
  const Tensor batch = run(layer, {all}, GetParam(), 2);
  for (std::int64_t sample = 0; sample < 3; ++sample) {
    Inputs alone{Tensor(DType::float32, {1, 70, 48}), SameAsX{}, NoMask{}, std::nullopt};
    std::ranges::copy(all.x.as<float>().subspan(sample * 70 * 48, 70 * 48), alone.x.as<float>().begin());
    const Tensor one = run(layer, {alone}, GetParam(), 2);
    EXPECT_TRUE(std::ranges::equal(one.as<float>(), batch.as<float>().subspan(sample * one.size(), one.size())));
  }
}

INSTANTIATE_TEST_SUITE_P(all, optimized_determinism, testing::ValuesIn(usable_targets()),
                         target_name<testing::TestParamInfo<Target>>);

}  // namespace
}  // namespace attest
