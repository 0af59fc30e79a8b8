#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "harness/verdict/comparator.h"
#include "harness/verdict/recorded_stages.h"
#include "harness/verdict/tensor_parts.h"
#include "property_tests/any_draw.h"

/// The truth of some tokens of an attention is, bit for bit, their part of the whole one's.
namespace attest::property_tests {
namespace {

using namespace harness;
using reference::TokenIndex;

/// Any tokens, in any order, also twice.
std::vector<TokenIndex> any_tokens(const Tensor& q) {
  std::vector<TokenIndex> tokens(static_cast<std::size_t>(*rc::gen::inRange(1, 9)));
  for (auto& [sample, token] : tokens) {
    sample = *rc::gen::inRange<std::int64_t>(0, q.dim(0));
    token = *rc::gen::inRange<std::int64_t>(0, q.dim(2));
  }
  return tokens;
}

RC_GTEST_PROP(sampled_truth, is_that_of_the_whole_attention_bit_for_bit, ()) {
  const Case item = drawn_case(*any_draw());
  const RecordedStages recorded(item.layer, item.steps.back());
  for (const LocalisedStage& stage : recorded.stages()) {
    if (stage.stage != Stage::attention) continue;
    const auto& inputs = std::get<AttentionInputs>(stage.inputs);
    const auto tokens = any_tokens(inputs.q);
    const auto whole = reference::attention_truth(inputs), some = reference::attention_truth(inputs, tokens);
    RC_ASSERT(compare_exactly(some.value, rows_of_tokens(whole.value, tokens)).outside == 0);
    RC_ASSERT(compare_exactly(some.budget, rows_of_tokens(whole.budget, tokens)).outside == 0);
    RC_ASSERT(compare_exactly(some.worst_case, rows_of_tokens(whole.worst_case, tokens)).outside == 0);
    return;
  }
  RC_FAIL("no attention");
}

/// 65,537 keys of 33 samples with a mask of their own: the rows that are asked for, and no more.
TEST(sampled_truth, needs_no_mask_of_the_whole_call) {
  constexpr std::int64_t kSamples = 33, kKeys = 65'537;
  Tensor q(DType::float32, {kSamples, 1, kKeys, 1}), k(DType::float32, {kSamples, 1, kKeys, 1}), v = k;
  v.as<float>().back() = 1.0F;
  const Mask none = NoMask{};
  const TokenIndex last[] = {{kSamples - 1, kKeys - 1}};
  const auto truth = reference::attention_truth({q, k, v, none, true}, last);
  EXPECT_EQ(truth.value.shape(), (Shape{1, 1, 1}));
  EXPECT_NEAR(truth.value.as<double>()[0], 1.0 / kKeys, 1e-15);
}

}  // namespace
}  // namespace attest::property_tests
