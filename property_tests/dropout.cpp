#include <gtest/gtest.h>

#include <cmath>

#include "fixtures/block_mask.h"
#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "fixtures/manifest.h"
#include "fixtures/validate.h"
#include "property_tests/sample_layer.h"
#include "property_tests/share_of_budget.h"
#include "reference/multi_head_attention.h"
#include "reference/truth.h"

/// Dropout in training: its draw is an input, and what it keeps is divided by its chance.
namespace attest::property_tests {
namespace {

const Mask kNoMask = NoMask{};

struct Dropped {
  Tensor q = sample_tensor({1, 2, 3, 4}, 1), k = sample_tensor({1, 2, 5, 4}, 2), v = sample_tensor({1, 2, 5, 4}, 3);
  Tensor keep = Tensor(DType::boolean, {1, 2, 3, 5});

  AttentionInputs with(double p) const {
    return {.q = q, .k = k, .v = v, .mask = kNoMask, .keep = &keep, .dropout_p = p};
  }
};

TEST(dropout, that_keeps_everything_scales_by_what_it_might_have_dropped) {
  Dropped in;
  std::ranges::fill(in.keep.as<std::uint8_t>(), std::uint8_t{1});
  const auto whole = to_doubles(reference::attention_truth({in.q, in.k, in.v, kNoMask}).value);
  const auto kept = to_doubles(reference::attention_truth(in.with(0.75)).value);
  for (std::size_t i = 0; i < whole.size(); ++i) EXPECT_NEAR(kept[i], 4 * whole[i], 1e-14);
  EXPECT_LE(share_of_budget(reference::attention(in.with(0.75)), reference::attention_truth(in.with(0.75))), 1);
}

TEST(dropout, leaves_the_sum_of_the_weights_as_it_is) {
  Dropped in;
  in.keep.as<std::uint8_t>()[2] = 1;  // of the first row the third key alone
  const auto one = to_doubles(reference::attention_truth(in.with(0.5)).value);
  double sum = 0, third = 0;
  for (std::size_t j = 0; j < 5; ++j) {
    double score = 0;
    for (std::size_t c = 0; c < 4; ++c) score += double(in.q.as<float>()[c]) * double(in.k.as<float>()[4 * j + c]);
    sum += std::exp(score / 2);
    if (j == 2) third = std::exp(score / 2);
  }
  for (std::size_t c = 0; c < 4; ++c) EXPECT_NEAR(one[c], 2 * third / sum * double(in.v.as<float>()[8 + c]), 1e-14);
  for (std::size_t i = 4; i < one.size(); ++i) EXPECT_EQ(one[i], 0) << "rows whose every weight is dropped";
}

TEST(dropout, of_one_leaves_nothing) {
  Dropped in;
  std::ranges::fill(in.keep.as<std::uint8_t>(), std::uint8_t{1});
  for (const double y : to_doubles(reference::attention(in.with(1.0)))) EXPECT_EQ(y, 0);
}

std::string refused_field(const Config& config, const Inputs& inputs) {
  try {
    validate_call({config, {}, {}}, inputs, 0);
    return "";
  } catch (const InputError& error) {
    return error.field;
  }
}

TEST(dropout, has_the_weights_that_it_kept_in_training_and_no_other_time) {
  Config config;
  config.embed_dim = config.num_heads = config.num_kv_heads = config.head_dim = 1;
  config.q_proj = config.k_proj = config.v_proj = config.output_proj = Linear{1, 1, false};
  config.attn_dropout = 0.5;
  Inputs inputs{Tensor(DType::float32, {1, 2, 1}), SameAsX{}, NoMask{}, {}};
  EXPECT_EQ(refused_field(config, inputs), "");
  config.training = true;
  EXPECT_EQ(refused_field(config, inputs), "keep");
  inputs.keep = Tensor(DType::boolean, {1, 1, 2, 2});
  EXPECT_EQ(refused_field(config, inputs), "");
  inputs.keep->as<std::uint8_t>()[1] = 2;
  EXPECT_EQ(refused_field(config, inputs), "keep");
  inputs.keep = Tensor(DType::boolean, {1, 1, 2, 3});
  EXPECT_EQ(refused_field(config, inputs), "keep");
  inputs.keep = Tensor(DType::float32, {1, 1, 2, 2});
  EXPECT_EQ(refused_field(config, inputs), "keep");
  inputs.keep = Tensor(DType::boolean, {1, 1, 2, 2});
  inputs.mask = block_mask_of(Tensor(DType::boolean, {1, 1, 2, 2}), {2, 2});
  EXPECT_EQ(refused_field(config, inputs), "mask") << "this layer has no flex_attention";
  config.flex_attention = true;
  EXPECT_EQ(refused_field(config, inputs), "attn_dropout") << "and flex_attention no dropout";
  config.attn_dropout = 0;
  EXPECT_EQ(refused_field(config, inputs), "keep");
  inputs.keep.reset();
  EXPECT_EQ(refused_field(config, inputs), "");
}

/// torch's draws as they were recorded: about as many kept as the chance says, within five standard deviations.
TEST(dropout, of_torch_keeps_as_many_weights_as_its_chance_says) {
  double kept = 0, wanted = 0, variance = 0;
  for (const auto& entry : read_manifest(ATTEST_FIXTURES).files) {
    if (!entry.file.starts_with("dropout/")) continue;
    const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / entry.file);
    const double p = item.layer.config.attn_dropout;
    for (const Step& step : item.steps) {
      if (!step.inputs.keep) continue;
      const auto keep = step.inputs.keep->as<std::uint8_t>();
      const auto count = static_cast<double>(keep.size());
      const auto of_step = static_cast<double>(std::ranges::count(keep, std::uint8_t{1}));
      EXPECT_NEAR(of_step, count * (1 - p), 5 * std::sqrt(count * p * (1 - p))) << entry.file;
      kept += of_step;
      wanted += count * (1 - p);
      variance += count * p * (1 - p);
    }
  }
  EXPECT_GT(variance, 100);
  EXPECT_NEAR(kept, wanted, 5 * std::sqrt(variance));
}

}  // namespace
}  // namespace attest::property_tests
