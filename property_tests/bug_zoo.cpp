#include <dlpack/dlpack.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <string>
#include <vector>

#include "fixtures/generator.h"
#include "harness/attest_implementation.h"
#include "harness/bug_zoo/bugs.h"
#include "harness/bug_zoo/design.h"
#include "property_tests/share_of_budget.h"
#include "reference/truth.h"

/// The zoo's library through its C table: its options, its correct variants, and that a bug is one.
namespace attest::property_tests {
namespace {

const attest_implementation* option(std::string_view name) {
  return attest_get_implementation(ATTEST_ABI_VERSION, std::string(name).c_str());
}

TEST(bug_zoo, lists_every_bug_once_in_the_order_of_its_enumeration) {
  int expected = static_cast<int>(bug_zoo::Bug::none) + 1;
  for (const auto& planted : bug_zoo::kPlantedBugs) EXPECT_EQ(static_cast<int>(planted.bug), expected++);
}

TEST(bug_zoo, has_an_option_for_every_bug_and_variant_and_for_nothing_else) {
  std::set<std::string_view> names;
  for (const auto& planted : bug_zoo::kPlantedBugs) names.insert(planted.name);
  for (const auto& variant : bug_zoo::kCorrectVariants) names.insert(variant.name);
  EXPECT_EQ(names.size(), bug_zoo::kPlantedBugs.size() + bug_zoo::kCorrectVariants.size());
  for (const auto name : names) EXPECT_NE(option(name), nullptr) << name;
  EXPECT_EQ(option("no_such_bug"), nullptr);
  EXPECT_EQ(option(""), nullptr);
}

TEST(bug_zoo, refuses_a_version_of_the_interface_that_it_does_not_know) {
  EXPECT_EQ(attest_get_implementation(ATTEST_ABI_VERSION + 1, "plain"), nullptr);
}

DLTensor dlpack(Tensor& tensor, Shape& shape) {
  shape = tensor.shape();
  return {tensor.bytes().data(),
          {kDLCPU, 0},
          static_cast<int32_t>(shape.size()),
          {kDLFloat, 32, 1},
          shape.data(),
          nullptr,
          0};
}

/// Four query heads of two key heads, 13 causal tokens, 24 channels: tails in keys and channels, and a last odd row.
struct Call {
  Tensor q = generate({1, 0, -16, DType::float32, {2, 4, 13, 24}});
  Tensor k = generate({1, 1, -16, DType::float32, {2, 2, 13, 24}});
  Tensor v = generate({1, 2, -16, DType::float32, {2, 2, 13, 24}});
};

Tensor attention_by(std::string_view name, Call& given) {
  Tensor result(DType::float32, given.q.shape());
  Shape shapes[4];
  const DLTensor q = dlpack(given.q, shapes[0]), k = dlpack(given.k, shapes[1]), v = dlpack(given.v, shapes[2]);
  DLTensor out = dlpack(result, shapes[3]);
  attest_attention in{};
  in.struct_size = sizeof in;
  in.q = &q;
  in.k = &k;
  in.v = &v;
  in.is_causal = 1;
  in.scale = 1 / std::sqrt(24.0);
  in.out = &out;
  char message[128] = "";
  attest_call call = {sizeof(attest_call), 1, message, sizeof message};
  EXPECT_EQ(option(name)->attention(&in, &call), ATTEST_DONE) << name << message;
  return result;
}

double share_of_budget_of(std::string_view name) {
  Call call;
  const Mask no_mask = NoMask{};
  const auto truth = reference::attention_truth({call.q, call.k, call.v, no_mask, true});
  return share_of_budget(attention_by(name, call), truth);
}

TEST(bug_zoo, every_correct_variant_is_within_the_budget_and_most_have_bits_of_their_own) {
  std::set<std::vector<float>> different;
  for (const auto& variant : bug_zoo::kCorrectVariants) {
    EXPECT_LE(share_of_budget_of(variant.name), 1) << variant.name;
    Call call;
    const Tensor result = attention_by(variant.name, call);
    different.emplace(result.as<float>().begin(), result.as<float>().end());
  }
  EXPECT_GE(different.size(), bug_zoo::kCorrectVariants.size() * 2 / 3);
}

TEST(bug_zoo, a_planted_bug_is_outside_the_budget_where_it_shows) {
  for (const auto name : {"heads_tiled", "causal_sees_the_next_key", "scale_missing", "exp_of_11_bits"}) {
    EXPECT_GT(share_of_budget_of(name), 1) << name;
  }
}

}  // namespace
}  // namespace attest::property_tests
