#include <gtest/gtest.h>

#include "fixtures/block_mask.h"
#include "fixtures/error.h"
#include "optimized/multi_head_attention.h"
#include "property_tests/optimized_layer_cases.h"

/// Whole layers on every target: each recorded stage within its budget given the stage before it, and the cache's
/// rules.
namespace attest {
namespace {

using optimized::MultiHeadAttention;
using optimized::Target;

class optimized_layer : public testing::TestWithParam<Target> {
 protected:
  Random random{11};

  double share(const LayerSpec& layer, const Inputs& inputs) {
    MultiHeadAttention attention(layer, GetParam());
    return share(attention, layer, inputs);
  }

  double share(MultiHeadAttention& attention, const LayerSpec& layer, const Inputs& inputs) {
    Tensor output = output_for(layer, inputs);
    Stages stages;
    attention.forward(inputs, output, &stages);
    return StageJudge(layer, inputs, stages).share();
  }

  Inputs self(const LayerShape& n) { return {normal(random, {n.b, n.s_x, n.d}), SameAsX{}, NoMask{}, std::nullopt}; }
};

TEST_P(optimized_layer, grouped_queries_with_every_embedding_norm_and_bias_stay_within_the_budget) {
  for (int embedding = 0; embedding < 5; ++embedding) {
    for (const bool flag : {false, true}) {
      LayerShape n{.norm = flag, .embedding = embedding};
      n.bias = !flag;
      const LayerSpec layer = random_layer(random, n);
      EXPECT_LE(share(layer, self(n)), 1.0) << "embedding " << embedding << " norm " << flag;
    }
  }
}

TEST_P(optimized_layer, a_norm_before_every_embedding_stays_within_the_budget) {
  for (int embedding = 0; embedding < 5; ++embedding) {
    const LayerShape n{.norm = true, .norm_order = NormOrder::before_pos_embeddings, .embedding = embedding};
    EXPECT_LE(share(random_layer(random, n), self(n)), 1.0) << "embedding " << embedding;
  }
}

TEST_P(optimized_layer, a_scale_blocks_and_a_dropout_stay_within_the_budget) {
  const LayerShape n;
  LayerSpec layer = random_layer(random, n);
  layer.config.scale = -0.7;
  layer.config.flex_attention = true;
  Inputs inputs = self(n);
  for (const std::int64_t heads : {std::int64_t{1}, n.n_h}) {
    inputs.mask = block_mask_of(flags(random, {n.b, heads, n.s_x, n.s_x}, 0.7), {2, 3});
    EXPECT_LE(share(layer, inputs), 1.0) << "heads of the mask " << heads;
  }
  layer.config.training = true;
  layer.config.attn_dropout = 0.3;
  inputs.mask = BoolMask{flags(random, {n.b, n.s_x, n.s_x}, 0.7)};
  inputs.keep = flags(random, {n.b, n.n_h, n.s_x, n.s_x}, 0.7);
  EXPECT_LE(share(layer, inputs), 1.0) << "dropout";
}

TEST_P(optimized_layer, a_dropout_reaches_the_slots_of_a_cache_that_are_not_filled) {
  const LayerShape n;
  LayerSpec layer = random_layer(random, n);
  layer.config.kv_cache = KVCache{n.b, 12, true};
  layer.config.training = true;
  layer.config.attn_dropout = 0.5;
  Inputs inputs = self(n);
  inputs.keep = flags(random, {n.b, n.n_h, n.s_x, 12}, 0.5);
  EXPECT_LE(share(layer, inputs), 1.0);
}

TEST_P(optimized_layer, head_counts_and_head_sizes_of_every_kind_stay_within_the_budget) {
  const LayerShape shapes[] = {
      {.b = 1, .s_x = 17, .n_h = 8, .n_kv = 8, .h_d = 4, .d = 32, .out_features = 32},
      {.b = 1, .s_x = 65, .n_h = 7, .n_kv = 1, .h_d = 40, .d = 21, .out_features = 33, .positions = 65},
      {.b = 3, .s_x = 1, .n_h = 6, .n_kv = 3, .h_d = 80, .d = 60, .out_features = 1},
      {.b = 2, .s_x = 30, .n_h = 4, .n_kv = 2, .h_d = 111, .d = 64, .out_features = 65, .embedding = 0},
      {.b = 1, .s_x = 3, .n_h = 2, .n_kv = 1, .h_d = 512, .d = 16, .out_features = 16},
      {.b = 1, .s_x = 300, .n_h = 4, .n_kv = 4, .h_d = 96, .d = 128, .out_features = 128, .positions = 300},
  };
  for (const auto& n : shapes) EXPECT_LE(share(random_layer(random, n), self(n)), 1.0) << "h_d " << n.h_d;
}

TEST_P(optimized_layer, cross_attention_with_fewer_and_with_more_keys_stays_within_the_budget) {
  for (const std::int64_t s_y : {1, 3, 9, 40}) {
    for (const bool causal : {false, true}) {
      const LayerShape n;
      LayerSpec layer = random_layer(random, n);
      layer.config.is_causal = causal;
      Inputs inputs = self(n);
      inputs.y = normal(random, {n.b, s_y, n.d});
      EXPECT_LE(share(layer, inputs), 1.0) << "s_y " << s_y << " causal " << causal;
    }
  }
}

TEST_P(optimized_layer, positions_in_every_accepted_shape_stay_within_the_budget) {
  const LayerShape n;
  const LayerSpec layer = random_layer(random, n);
  for (const Shape& shape : {Shape{n.s_x}, Shape{1, n.s_x}, Shape{n.b, n.s_x}, Shape{n.b * n.s_x}}) {
    Inputs inputs = self(n);
    inputs.input_pos = Tensor(DType::int64, shape);
    for (auto& at : inputs.input_pos->as<std::int64_t>()) at = static_cast<std::int64_t>(random() % 80) - 40;
    EXPECT_LE(share(layer, inputs), 1.0) << to_string(shape);
  }
}

TEST_P(optimized_layer, a_scale_of_either_sign_stays_within_the_budget) {
  const LayerShape n;
  LayerSpec layer = random_layer(random, n);
  for (const double scale : {1.0, -0.5, 0.0}) {
    layer.config.scale = scale;
    EXPECT_LE(share(layer, self(n)), 1.0) << "scale " << scale;
  }
}

TEST_P(optimized_layer, a_cache_that_is_not_enabled_only_switches_causality_off) {
  const LayerShape n;
  LayerSpec layer = random_layer(random, n);
  const Inputs inputs = self(n);
  layer.config.is_causal = false;
  Tensor open = output_for(layer, inputs), disabled = open;
  MultiHeadAttention(layer, GetParam()).forward(inputs, open);
  layer.config.is_causal = true;
  layer.config.kv_cache = KVCache{n.b, 9, false};
  MultiHeadAttention(layer, GetParam()).forward(inputs, disabled);
  EXPECT_TRUE(std::ranges::equal(open.bytes(), disabled.bytes()));
}

/// A layer with an enabled cache of 12 slots.
LayerSpec cached_layer(Random& random, const LayerShape& n) {
  LayerSpec layer = random_layer(random, n);
  layer.config.kv_cache = KVCache{n.b, 12, true};
  return layer;
}

TEST_P(optimized_layer, a_cache_is_filled_attended_whole_and_reset) {
  for (const int kind : {0, 1, 2}) {
    LayerShape n;
    const LayerSpec layer = cached_layer(random, n);
    MultiHeadAttention attention(layer, GetParam());
    for (const std::int64_t tokens :
         {5, 1, 1, 5, 0, 3, 9}) {  // 5 + 1 + 1 + 5 = 12 is exactly full; 0 stands for a reset
      if (tokens == 0) {
        attention.reset_cache();
        continue;
      }
      n.s_x = tokens;
      Inputs inputs = self(n);
      if (kind == 1) inputs.mask = BoolMask{flags(random, {n.b, tokens, 12}, 0.7)};
      if (kind == 2) inputs.mask = FloatMask{normal(random, {1, tokens, 12}, 2.0)};
      EXPECT_LE(share(attention, layer, inputs), 1.0) << "mask " << kind << " tokens " << tokens;
    }
    Inputs absent = self(n);
    absent.y = AbsentY{};
    EXPECT_LE(share(attention, layer, absent), 1.0) << "mask " << kind << ", y absent";
  }
}

TEST_P(optimized_layer, an_empty_cache_is_attended_as_zeros) {
  const LayerShape n;
  const LayerSpec layer = cached_layer(random, n);
  for (const bool masked : {false, true}) {
    MultiHeadAttention attention(layer, GetParam());
    Inputs absent = self(n);
    absent.y = AbsentY{};
    if (masked) absent.mask = BoolMask{flags(random, {n.b, n.s_x, 12}, 0.5)};
    EXPECT_LE(share(attention, layer, absent), 1.0) << "masked " << masked;
  }
}

TEST_P(optimized_layer, the_cache_stages_hold_what_was_written_and_zeros_elsewhere) {
  const LayerShape n{.b = 1, .s_x = 3, .embedding = 0};
  const LayerSpec layer = cached_layer(random, n);
  MultiHeadAttention attention(layer, GetParam());
  const Inputs inputs = self(n);
  Tensor output = output_for(layer, inputs);
  Stages stages;
  attention.forward(inputs, output, &stages);
  const auto keys = stages.at(Stage::k_cache).as<float>();
  const auto projected = stages.at(Stage::k_proj).as<float>();
  for (std::int64_t i = 0; i < stages.at(Stage::k_cache).size(); ++i) {
    const std::int64_t c = i % n.h_d, slot = i / n.h_d % 12, head = i / n.h_d / 12;
    EXPECT_EQ(keys[i], slot < 3 ? projected[(slot * n.n_kv + head) * n.h_d + c] : 0.0f);
  }
}

TEST_P(optimized_layer, a_refused_call_leaves_the_cache_and_the_output_as_they_were) {
  LayerShape n;
  const LayerSpec layer = cached_layer(random, n);
  MultiHeadAttention tried(layer, GetParam()), straight(layer, GetParam());
  const Inputs first = self(n);
  n.s_x = 8;
  const Inputs too_many = self(n);
  n.s_x = 1;
  const Inputs last = self(n);
  Tensor output = output_for(layer, first), wide = output_for(layer, too_many);
  tried.forward(first, output);
  straight.forward(first, output);
  const Tensor before = wide;
  EXPECT_THROW(tried.forward(too_many, wide), InputError);
  EXPECT_TRUE(std::ranges::equal(before.bytes(), wide.bytes()));
  EXPECT_THROW(tried.forward(last, wide), InputError);  // an output of the wrong shape
  Tensor a = output_for(layer, last), b = a;
  tried.forward(last, a);
  straight.forward(last, b);
  EXPECT_TRUE(std::ranges::equal(a.bytes(), b.bytes()));
}

TEST_P(optimized_layer, a_byte_of_a_block_that_is_no_truth_value_is_refused) {
  const LayerShape n;
  LayerSpec layer = random_layer(random, n);
  layer.config.flex_attention = true;
  BlockMask mask = block_mask_of(flags(random, {1, n.n_h, n.s_x, n.s_x}, 0.6), {2, 3});
  Inputs inputs = self(n);
  inputs.mask = mask;
  EXPECT_LE(share(layer, inputs), 1.0);
  mask.partial_blocks.as<std::uint8_t>().back() = 2;
  inputs.mask = mask;
  EXPECT_THROW(share(layer, inputs), InputError);
}

TEST_P(optimized_layer, timing_the_parts_of_a_call_changes_no_bit_and_finds_the_parts_that_there_are) {
  for (const bool norm : {false, true}) {
    const LayerShape n{
        .b = 1, .s_x = 130, .h_d = 64, .d = 256, .norm = norm, .embedding = norm ? 0 : 1, .positions = 130};
    const LayerSpec layer = random_layer(random, n);
    const Inputs inputs = self(n);
    MultiHeadAttention attention(layer, GetParam());
    Tensor untimed = output_for(layer, inputs), timed = output_for(layer, inputs);
    optimized::PartTimes times;
    attention.forward(inputs, untimed);
    attention.forward(inputs, timed, nullptr, &times);
    EXPECT_TRUE(std::ranges::equal(untimed.bytes(), timed.bytes()));
    using optimized::Part;
    for (const Part part : {Part::checks, Part::packing, Part::projections, Part::layout, Part::scores, Part::softmax,
                            Part::values, Part::output}) {
      EXPECT_GT(times[part], 0.0) << name_of(part);
    }
    EXPECT_EQ(times[Part::norm] > 0.0, norm);
    EXPECT_EQ(times[Part::rotary] > 0.0, !norm);
  }
}

TEST_P(optimized_layer, bfloat16_is_a_declared_gap) {
  LayerSpec layer = random_layer(random, {});
  EXPECT_EQ(optimized::gap(layer), "");
  layer.config.dtype = DType::bfloat16;
  EXPECT_NE(optimized::gap(layer).find("bfloat16"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(all, optimized_layer, testing::ValuesIn(usable_targets()),
                         target_name<testing::TestParamInfo<Target>>);

}  // namespace
}  // namespace attest
