#include "harness/judge/sensitivity.h"

#include <gtest/gtest.h>

#include <numeric>

#include "fixtures/case_file.h"
#include "harness/explain/attention_model.h"
#include "harness/judge/case_truth.h"
#include "harness/judge/judge_implementation.h"
#include "harness/lineup/implementations.h"
#include "harness/run/verify.h"
#include "property_tests/buggy_attention.h"
#include "property_tests/sample_layer.h"
#include "reference/multi_head_attention.h"

/// What a verdict would have noticed, against kernels that make the mistake; and a case in which no mistake shows.
namespace attest::property_tests {
namespace {

using harness::Sensitivity;
using harness::Status;

struct RecordedAttention {
  Case item;
  harness::JudgedCase judged;
  const AttentionInputs& inputs;
  const reference::StageTruth& truth;

  explicit RecordedAttention(const std::string& name)
      : item(read_case(std::filesystem::path(ATTEST_FIXTURES) / (name + ".h5"))),
        judged(harness::with_truths(item)),
        inputs(std::get<AttentionInputs>(
            std::ranges::find(judged.steps[0].recorded->stages(), Stage::attention, &harness::LocalisedStage::stage)
                ->inputs)),
        truth(judged.steps[0].localised.at(Stage::attention)) {}

  Sensitivity sensitivity() const { return *judged.steps[0].sensitivity; }
  double e(const Tensor& got) const { return harness::compare(got, truth, DType::float32).e; }
};

BuggyAttention without_key(std::int64_t key) {
  BuggyAttention kernel;
  kernel.on_weights = [key](KernelRow& row) {
    if (std::ranges::count(row.visible, true) == 1) return;
    row.weights[static_cast<std::size_t>(key)] = 0.0F;
    row.sum = std::accumulate(row.weights.begin(), row.weights.end(), 0.0F);
  };
  return kernel;
}

TEST(sensitivity, of_a_dropped_key_is_the_e_of_a_kernel_that_drops_the_key_which_shows_most) {
  for (const char* name : {"heads/grouped_query", "cross/self_not_causal", "hard_inputs/unit_v"}) {
    const RecordedAttention recorded(name);
    double most = 0.0;
    for (std::int64_t key = 0; key < recorded.inputs.k.dim(2); ++key) {
      most = std::max(most, recorded.e(without_key(key)(recorded.inputs)));
    }
    EXPECT_NEAR(recorded.sensitivity().dropped_key / most, 1.0, 1e-3) << name;
    EXPECT_GT(recorded.sensitivity().dropped_key, 1.0) << name;
    EXPECT_EQ(recorded.sensitivity().keys_noticed, 1.0) << name;
  }
}

TEST(sensitivity, of_swapped_heads_is_the_e_of_a_kernel_that_reads_the_next_head) {
  const RecordedAttention recorded("heads/multi_head");
  const Tensor right = BuggyAttention{}(recorded.inputs);
  Tensor wrong = right;
  const auto b = static_cast<std::size_t>(right.dim(0)), n = static_cast<std::size_t>(right.dim(1));
  const auto head = static_cast<std::size_t>(right.dim(2) * right.dim(3));
  for (std::size_t at = 0; at < b * n; ++at) {
    const std::size_t next = at / n * n + (at + 1) % n;
    std::ranges::copy(right.as<float>().subspan(next * head, head), wrong.as<float>().subspan(at * head).begin());
  }
  EXPECT_NEAR(*recorded.sensitivity().swapped_heads / recorded.e(wrong), 1.0, 1e-3);
}

TEST(sensitivity, of_the_scale_is_what_one_unit_in_its_last_place_moves) {
  const RecordedAttention recorded("sizes/h_d_40_s_17_b_1");
  harness::explain::AttentionModel model(recorded.inputs);
  const auto scale = static_cast<float>(model.scale);
  // A thousand units, so that the change stands above the float64 rounding of the comparison.
  model.scale += 1000.0 * static_cast<double>(std::nextafter(scale, 1.0F) - scale);
  const auto y = recorded.truth.value.as<double>(), budget = recorded.truth.budget.as<double>();
  double most = 0.0;
  for (std::int64_t row = 0; row < recorded.truth.value.size() / 40; ++row) {
    const auto moved = model.output(row);
    for (std::size_t c = 0; c < 40; ++c) {
      const std::size_t at = static_cast<std::size_t>(row) * 40 + c;
      most = std::max(most, std::fabs(moved[c] - y[at]) / budget[at]);
    }
  }
  EXPECT_NEAR(recorded.sensitivity().scale / (most / 1000.0), 1.0, 1e-2);
  EXPECT_LT(recorded.sensitivity().scale, 1.0) << "a correct kernel rounds its scale";
}

TEST(sensitivity, of_one_head_and_of_rows_that_see_nothing_is_still_measured) {
  EXPECT_FALSE(RecordedAttention("heads/one_head").sensitivity().swapped_heads);
  EXPECT_GT(RecordedAttention("cross/one_key").sensitivity().dropped_key, 1.0);
  const Sensitivity blind = RecordedAttention("masks/bool_all_false").sensitivity();
  EXPECT_GT(blind.dropped_key, 1.0) << "a hidden key that is read after all";
  EXPECT_EQ(blind.keys_noticed, 0.0);
}

/// One head whose values are the same for every key: whatever the weights are, the output is right.
Case case_that_cannot_fail() {
  Case item;
  item.name = "vacuous/equal_values";
  item.family = "randn";
  SampleLayer sample;
  sample.n_h = sample.n_kv = 1;
  sample.d = sample.h_d;
  item.layer = sample_layer(sample);
  std::ranges::fill(item.layer.weights.at("v_proj.weight").as<float>(), 0.0F);
  Step step;
  step.inputs.x = sample_tensor({1, 5, 8}, 7);
  step.expected = reference::MultiHeadAttention<float>(item.layer).forward(step.inputs);
  item.steps.push_back(std::move(step));
  return item;
}

TEST(sensitivity, mistrusts_a_pass_that_could_not_have_failed_and_fails_its_case) {
  const Case item = case_that_cannot_fail();
  const auto judged = harness::with_truths(item);
  const auto implementations = harness::all_implementations();
  const auto results = harness::judge_implementation(judged, *implementations.front());
  const auto attention = std::ranges::find_if(results, [](const harness::Result& result) {
    return result.stage == "attention" && result.mode == harness::Mode::localised;
  });
  ASSERT_NE(attention, results.end());
  EXPECT_EQ(attention->status, Status::mistrusted) << attention->message;
  EXPECT_NE(attention->message.find("dropped key"), std::string::npos) << attention->message;
  EXPECT_EQ(harness::verdict_of(results), Status::mistrusted);
}

}  // namespace
}  // namespace attest::property_tests
