#include <bit>
#include <limits>

#include "harness/judge/judge_implementation.h"
#include "harness/lineup/implementations.h"
#include "property_tests/buggy_attention.h"
#include "property_tests/planted_bug.h"
#include "reference/multi_head_attention.h"

/// Bugs planted in attention, and what is said about them.
namespace attest::property_tests {
namespace {

using harness::Explanation;
using harness::StageInputs;

// --- masks ------------------------------------------------------------------------------------------------

bool sees_nothing(const KernelRow& row) {
  return std::ranges::none_of(row.visible, [](bool seen) { return seen; });
}

BuggyAttention finite_mask(float value) {
  BuggyAttention kernel;
  kernel.on_scores = [value](KernelRow& row) {
    row.largest = -std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      if (!row.visible[j]) row.scores[j] += value;
      row.visible[j] = true;
      row.largest = std::max(row.largest, row.scores[j]);
    }
  };
  return kernel;
}

/// Of four keys, of which the first is hidden.
BuggyAttention skipping_blocks() {
  BuggyAttention kernel;
  kernel.on_weights = [](KernelRow& row) {
    row.sum = 0.0F;
    for (std::size_t j = 0; j < row.weights.size(); ++j) {
      if (!row.visible[j / 4 * 4]) row.weights[j] = 0.0F;
      row.sum += row.weights[j];
    }
  };
  return kernel;
}

std::vector<Planted> mask_bugs() {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  return {
      attention("causal_shifted", "heads/grouped_query",
                seeing([](auto& row, auto j, bool) { return j <= row.i + 1; })),
      attention("causal_shifted", "hard_inputs/small_integers_causal",
                seeing([](auto& row, auto j, bool) { return j < row.i; })),
      attention("causal_bottom_right", "cross/y_longer_causal", seeing([](auto& row, auto j, bool) {
                  return j <= row.i + static_cast<std::int64_t>(row.scores.size()) - 3;
                })),
      attention("causal_by_block", "hard_inputs/small_integers_causal",
                seeing([](auto& row, auto j, bool) { return j / 4 <= row.i / 4; })),
      attention("block_skipped", "masks/bool_seventeen_tokens", skipping_blocks()),
      attention("causal_ignored", "heads/grouped_query", seeing([](auto&, auto, bool) { return true; })),
      attention("causal_added", "cross/self_not_causal", seeing([](auto& row, auto j, bool) { return j <= row.i; })),
      attention("mask_ignored", "masks/bool_full", seeing([](auto&, auto, bool) { return true; })),
      attention("mask_inverted", "masks/bool_full", seeing([](auto&, auto, bool seen) { return !seen; })),
      attention("finite_mask", "hard_inputs/masked_keys_win", finite_mask(-100.0F)),
      attention("finite_mask", "masks/bool_fully_masked_rows", finite_mask(-1e4F)),
      attention("masked_row_mean", "masks/bool_fully_masked_rows", finite_mask(-1e9F)),  // it swallows the scores
      attention("masked_row_nan", "masks/bool_fully_masked_rows", weighing([nan](KernelRow& row) {
                  if (sees_nothing(row)) row.sum = row.weights[0] = nan;
                })),
      attention("masked_row_mean", "masks/bool_fully_masked_rows", weighing([](KernelRow& row) {
                  if (!sees_nothing(row)) return;
                  std::ranges::fill(row.weights, 1.0F);
                  row.sum = static_cast<float>(row.weights.size());
                })),
      attention("mask_after_softmax", "masks/bool_full", weighing([](KernelRow& row) {
                  row.sum = 0.0F;
                  for (const float score : row.scores) row.sum += std::exp(score - row.largest);
                })),
  };
}

// --- scale, softmax, heads -----------------------------------------------------------------------------------------

BuggyAttention scaled_by(std::function<float(float)> scale) {
  BuggyAttention kernel;
  kernel.scale = std::move(scale);
  return kernel;
}

std::vector<Planted> scale_bugs() {
  return {
      attention("scale_missing", "heads/grouped_query", scaled_by([](float) { return 1.0F; })),
      attention("scale_twice", "heads/grouped_query", scaled_by([](float h_d) { return 1.0F / h_d; })),
      attention("scale_wrong_dimension", "heads/grouped_query",
                scaled_by([](float h_d) { return 1.0F / std::sqrt(4.0F * h_d); })),
      attention("scale_wrong_dimension", "sizes/h_d_111_s_17_b_1",
                scaled_by([](float) { return 1.0F / std::sqrt(112.0F); })),
      attention("scale_rounded", "sizes/h_d_40_s_17_b_1",
                scaled_by([](float h_d) { return to_float(round_to_bfloat16(1.0F / std::sqrt(h_d))); })),
      attention("scale_factor", "heads/grouped_query", scaled_by([](float h_d) { return 1.01F / std::sqrt(h_d); })),
      attention("scale_factor", "masks/float_full", scaled_by([](float h_d) { return 3.0F / std::sqrt(h_d); })),
      attention("exp_base", "heads/multi_head", scaled_by([](float h_d) { return 0.69314718F / std::sqrt(h_d); })),
  };
}

BuggyAttention with_exp(std::function<float(float)> exp) {
  BuggyAttention kernel;
  kernel.exp = std::move(exp);
  return kernel;
}

/// Cuts a float's fraction to `bits`.
float cut(float value, int bits) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) & (0xFFFFFFFFu << (23 - bits)));
}

/// An online softmax in blocks of eight keys that forgets to rescale its sum over V.
void forget_rescaling(KernelRow& row) {
  float largest = -std::numeric_limits<float>::infinity();
  for (std::size_t j = 0; j < row.weights.size(); ++j) {
    if (j % 8 == 0) {
      for (std::size_t n = j; n < std::min(j + 8, row.weights.size()); ++n) {
        if (row.visible[n]) largest = std::max(largest, row.scores[n]);
      }
    }
    if (row.visible[j]) row.weights[j] = std::exp(row.scores[j] - largest);
  }
}

std::vector<Planted> softmax_bugs() {
  BuggyAttention no_max, from_zero, first_block, flush;
  no_max.on_scores = [](KernelRow& row) { row.largest = 0.0F; };
  from_zero.on_scores = [](KernelRow& row) { row.largest = std::max(row.largest, 0.0F); };
  first_block.on_scores = [](KernelRow& row) {
    row.largest = *std::max_element(row.scores.begin(), row.scores.begin() + 2);
  };
  flush.store = [](float y) { return std::fabs(y) < std::numeric_limits<float>::min() ? 0.0F : y; };
  BuggyAttention rounded_scores, hidden_max;
  rounded_scores.on_scores = [](KernelRow& row) {
    for (float& score : row.scores) score = to_float(round_to_bfloat16(score));
    row.largest = to_float(round_to_bfloat16(row.largest));
  };
  hidden_max.on_scores = [](KernelRow& row) { row.largest = *std::ranges::max_element(row.scores); };
  hidden_max.on_weights = from_zero.on_weights = [](KernelRow& row) {
    if (row.sum == 0.0F && !sees_nothing(row)) row.sum = std::numeric_limits<float>::quiet_NaN();
  };
  const auto round_weights = [](KernelRow& row) {
    for (float& weight : row.weights) weight = to_float(round_to_bfloat16(weight));
  };
  BuggyAttention divided_by_cut;
  divided_by_cut.on_weights = [](KernelRow& row) { row.sum = cut(row.sum, 10); };
  return {
      attention("max_not_subtracted", "hard_inputs/large_logits", no_max),
      attention("max_starts_at_zero", "masks/float_shifted_by_ten_thousand", from_zero),
      attention("first_block_max", "hard_inputs/large_logits_h_d_40", first_block),
      attention("no_rescaling", "hard_inputs/ascending_logits", weighing(forget_rescaling)),
      attention("exp_clamped", "hard_inputs/rare_key", with_exp([](float x) { return std::exp(std::max(x, -20.0F)); })),
      attention("not_normalised", "heads/multi_head", weighing([](KernelRow& row) { row.sum = 1.0F; })),
      attention("flush_to_zero", "hard_inputs/subnormal_v", flush),
      attention("precision", "heads/multi_head", with_exp([](float x) { return cut(std::exp(x), 11); })),
      attention("precision", "sizes/h_d_8_s_65_b_1", with_exp([](float x) { return cut(std::exp(x), 14); })),
      attention("scores_rounded", "heads/multi_head", rounded_scores),
      attention("probabilities_rounded", "sizes/h_d_8_s_65_b_1", weighing(round_weights)),
      attention("max_over_hidden_keys", "hard_inputs/masked_keys_win", hidden_max),
      attention("row_sum_inaccurate", "sizes/h_d_8_s_65_b_1", divided_by_cut),
  };
}

/// Padding of score 0 in the row's sum, and scores in float16: constants and digits that are not the layer's.
std::vector<Planted> tile_bugs() {
  BuggyAttention float16;
  float16.on_scores = [](KernelRow& row) {
    row.largest = -std::numeric_limits<float>::infinity();
    for (float& score : row.scores) {
      score = std::ldexp(std::nearbyint(std::ldexp(score, 10 - std::ilogb(score))), std::ilogb(score) - 10);
    }
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      if (row.visible[j]) row.largest = std::max(row.largest, row.scores[j]);
    }
  };
  return {attention("padding_in_row_sum", "cross/y_longer_not_causal",
                    weighing([](KernelRow& row) { row.sum += 11 * std::exp(-row.largest); })),
          attention("scores_in_float16", "sizes/h_d_8_s_65_b_1", float16)};
}

/// exp with an error of up to 20 units in the last place, another for each argument.
float exp_of_twenty_units(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x) * 2654435761u;
  return std::exp(x) * (1.0F + 20 * 0x1p-24F * (static_cast<float>(bits >> 8) * 0x1p-23F - 1.0F));
}

TEST(explanation, of_noise_beyond_the_limit_is_about_precision_or_nothing) {
  std::size_t failed = 0;
  for (const char* name : {"cache/no_mask", "sizes/h_d_8_s_65_b_1", "heads/multi_head", "masks/bool_full",
                           "masks/float_full", "cross/y_longer_not_causal", "heads/grouped_query"}) {
    const Case item = recorded_case(name);
    const auto judged = harness::with_truths(item);
    const auto& stages = judged.steps[0].recorded->stages();
    const auto stage = std::ranges::find(stages, Stage::attention, &harness::LocalisedStage::stage);
    const Tensor got = with_exp(exp_of_twenty_units)(std::get<AttentionInputs>(stage->inputs));
    const auto& truth = judged.steps[0].localised.at(Stage::attention);
    const Explanation explanation =
        harness::explain::explain_stage({Stage::attention, got, truth, &stage->inputs, &item, 0});
    failed += harness::compare(got, truth, got.dtype()).within ? 0 : 1;
    for (const auto& finding : explanation.findings) EXPECT_EQ(finding.id, "precision") << name << finding.sentence;
  }
  EXPECT_GT(failed, 0u);
}

std::vector<Planted> head_bugs() {
  BuggyAttention tiled, first, swapped;
  tiled.kv_head = [](auto h, auto, auto n_kv) { return h % n_kv; };
  first.kv_head = [](auto, auto, auto) { return std::int64_t{0}; };
  const auto swap_heads = [](const StageInputs& in) {
    Tensor y = BuggyAttention{}(std::get<AttentionInputs>(in));
    const auto values = y.as<float>();
    const auto head = static_cast<std::ptrdiff_t>(y.dim(2) * y.dim(3));
    std::swap_ranges(values.begin(), values.begin() + head, values.begin() + head);
    return y;
  };
  return {attention("heads_tiled", "heads/grouped_query", tiled),
          attention("first_kv_head", "heads/grouped_query", first),
          {"heads_swapped", "heads/multi_head", Stage::attention, swap_heads}};
}

// --- dropout
// -----------------------------------------------------------------------------------------------------------

/// The weights times what `factor` says of whether the head `heads_on` places on keeps them, after the softmax.
Planted dropout_bug(std::string id, std::function<float(bool kept, float p)> factor, std::int64_t heads_on = 0) {
  return attention(std::move(id), "dropout/cross", [=](const AttentionInputs& in) {
    return weighing([=, &in](KernelRow& row) {
      const std::int64_t h = (row.h + heads_on) % in.keep->dim(1);
      const auto s_k = static_cast<std::int64_t>(row.weights.size());
      const auto first = ((row.b * in.keep->dim(1) + h) * in.keep->dim(2) + row.i) * s_k;
      for (std::int64_t j = 0; j < s_k; ++j) {
        const bool kept = in.keep->as<std::uint8_t>()[static_cast<std::size_t>(first + j)] != 0;
        row.weights[static_cast<std::size_t>(j)] *= factor(kept, static_cast<float>(in.dropout_p));
      }
    })(in);
  });
}

std::vector<Planted> dropout_bugs() {
  return {
      dropout_bug("dropout_missing", [](bool, float) { return 1.0F; }),
      dropout_bug("dropout_unscaled", [](bool kept, float) { return kept ? 1.0F : 0.0F; }),
      dropout_bug("dropout_scaled_by_p", [](bool kept, float p) { return kept ? 1.0F / p : 0.0F; }),
      dropout_bug(
          "dropout_of_other_head", [](bool kept, float p) { return kept ? 1.0F / (1.0F - p) : 0.0F; }, 1),
  };
}

// --- the tests -----------------------------------------------------------------------------------------------------

class explanation_of_a_planted_bug : public testing::TestWithParam<Planted> {};
TEST_P(explanation_of_a_planted_bug, names_it) { expect_named(GetParam()); }

INSTANTIATE_TEST_SUITE_P(masks, explanation_of_a_planted_bug, testing::ValuesIn(mask_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(scale, explanation_of_a_planted_bug, testing::ValuesIn(scale_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(softmax, explanation_of_a_planted_bug, testing::ValuesIn(softmax_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(tiles, explanation_of_a_planted_bug, testing::ValuesIn(tile_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(dropout, explanation_of_a_planted_bug, testing::ValuesIn(dropout_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(heads, explanation_of_a_planted_bug, testing::ValuesIn(head_bugs()), name_of_test);

/// The reference, with its heads tiled in attention, alone and in the layer.
class Tiled final : public harness::Implementation {
 public:
  harness::Judged identity() const override { return {harness::Party::library, "tiled"}; }
  std::string gap(const LayerSpec&) const override { return ""; }
  Tensor linear(const LinearInputs& in) const override { return reference::linear(in); }
  Tensor rotary(const RotaryInputs& in) const override { return reference::rotary(in); }
  Tensor norm(const NormInputs& in) const override { return reference::norm(in); }
  Tensor attention(const AttentionInputs& in) const override {
    BuggyAttention kernel;
    kernel.kv_head = [](auto h, auto, auto n_kv) { return h % n_kv; };
    return kernel(in);
  }
  std::unique_ptr<harness::LayerUnderTest> layer(const LayerSpec& layer) const override {
    return harness::all_implementations().front()->layer(layer);
  }
};

TEST(explanation, stands_with_the_stage_that_fails_and_with_no_other) {
  const Case item = recorded_case("heads/grouped_query");
  std::size_t explained = 0;
  for (const auto& result : harness::judge_implementation(harness::with_truths(item), Tiled())) {
    const bool failed = result.status == harness::Status::failed;
    EXPECT_EQ(failed, result.stage == "attention" && result.mode == harness::Mode::localised) << result.stage;
    EXPECT_EQ(failed, !text_of(result.explanation).empty());
    EXPECT_EQ(failed, names(result.explanation, "heads_tiled")) << text_of(result.explanation);
    explained += failed ? 1 : 0;
  }
  EXPECT_EQ(explained, 1u);
}

TEST(explanation, says_that_no_hypothesis_fits_and_where_the_errors_are) {
  const Explanation explanation = explanation_of({"", "heads/multi_head", Stage::attention, [](const StageInputs& in) {
                                                    Tensor y = BuggyAttention{}(std::get<AttentionInputs>(in));
                                                    for (std::size_t at = 0; at < y.as<float>().size(); ++at) {
                                                      if (at / 8 % 5 == 2)
                                                        y.as<float>()[at] += std::sin(static_cast<float>(at * at));
                                                    }
                                                    return y;
                                                  }});
  EXPECT_TRUE(explanation.findings.empty()) << text_of(explanation);
  EXPECT_NE(text_of(explanation).find("no hypothesis fits"), std::string::npos);
  EXPECT_NE(explanation.pattern.find("token 2"), std::string::npos) << explanation.pattern;
}

}  // namespace
}  // namespace attest::property_tests
