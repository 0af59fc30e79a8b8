#include <gtest/gtest.h>

#include "fixtures/error.h"
#include "fixtures/overloaded.h"
#include "harness/recorded_stages.h"
#include "property_tests/golden_cases.h"
#include "property_tests/share_of_budget.h"
#include "reference/multi_head_attention.h"
#include "reference/truth.h"

/// The float reference against the truth: every stage of every case, localised and
/// end to end, stays within its error budget.
namespace attest {
namespace {

using property_tests::share_of_budget;

Tensor computed_by_reference(const harness::StageInputs& inputs) {
  return std::visit(overloaded{[](const LinearInputs& in) { return reference::linear(in); },
                               [](const RotaryInputs& in) { return reference::rotary(in); },
                               [](const NormInputs& in) { return reference::norm(in); },
                               [](const AttentionInputs& in) { return reference::attention(in); }},
                    inputs);
}

void expect_localised(const LayerSpec& layer, const Step& step, const reference::LayerTruth& chain) {
  const harness::RecordedStages recorded(layer, step);
  for (const auto& stage : recorded.stages()) {
    const auto truth = harness::truth_of(stage, chain);
    EXPECT_LE(share_of_budget(computed_by_reference(stage.inputs), truth), 1) << name_of(stage.stage);
  }
}

void expect_end_to_end(const Stages& computed, const std::map<Stage, reference::StageTruth>& truths) {
  for (const auto& [stage, truth] : truths) {
    ASSERT_TRUE(computed.contains(stage)) << name_of(stage);
    EXPECT_LE(share_of_budget(computed.at(stage), truth), 1) << name_of(stage);
  }
}

template <class Check>
void for_each_step(Check check) {
  for (const auto& file : golden_files()) {
    const Case item = read_case(file);
    if (constructor_raises(item)) continue;
    reference::LayerTruth truth(item.layer);
    reference::MultiHeadAttention<float> layer(item.layer);
    for (const Step& step : item.steps) {
      SCOPED_TRACE(item.name);
      if (step.reset_cache) truth.reset_cache();
      if (step.reset_cache) layer.reset_cache();
      if (!step.error) check(item, step, layer, truth);
    }
  }
}

TEST(golden_reference, stays_within_the_budget_of_every_stage_localised_and_end_to_end) {
  for_each_step([](const Case& item, const Step& step, auto& layer, auto& truth) {
    expect_localised(item.layer, step, truth);
    expect_end_to_end(layer.forward(step.inputs), truth.forward(step.inputs));
  });
}

TEST(golden_reference, refuses_what_torchtune_refuses_and_names_the_same_field) {
  int refused = 0;
  for (const auto& file : golden_files()) {
    const Case item = read_case(file);
    const auto error = std::ranges::find_if(item.steps, [](const Step& step) { return step.error.has_value(); });
    if (error == item.steps.end()) continue;
    SCOPED_TRACE(item.name);
    ++refused;
    try {
      reference::MultiHeadAttention<float> layer(item.layer);
      for (const Step& step : item.steps) {
        if (step.reset_cache) layer.reset_cache();
        layer.forward(step.inputs);
      }
      ADD_FAILURE() << "nothing was refused";
    } catch (const InputError& refusal) {
      EXPECT_EQ(refusal.field, error->error->field) << refusal.what();
    }
  }
  EXPECT_GT(refused, 0);
}

}  // namespace
}  // namespace attest
