#include <gtest/gtest.h>

#include <bit>
#include <numeric>

#include "fixtures/case_file.h"
#include "harness/case_truth.h"
#include "harness/comparator.h"
#include "harness/explain/explain.h"
#include "harness/judge_implementation.h"
#include "harness/unwritten.h"
#include "property_tests/buggy_attention.h"
#include "reference/multi_head_attention.h"

/// A planted bug is named in words: each one is judged, must fail, and the hypothesis expected must be among those that
/// fit. What is planted is computed here in float32, by code that the hypotheses do not share.
namespace attest::property_tests {
namespace {

using harness::Explanation;
using harness::StageInputs;

struct Planted {
  std::string id;  ///< the hypothesis expected
  std::string case_name;
  Stage stage;
  std::function<Tensor(const StageInputs&)> compute;
};

/// For GoogleTest's messages.
void PrintTo(const Planted& bug, std::ostream* out) { *out << bug.id << " in " << bug.case_name; }

Explanation explanation_of(const Planted& bug, std::size_t step = 0) {
  const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / (bug.case_name + ".h5"));
  const auto judged = harness::with_truths(item);
  const auto& stages = judged.steps[step].recorded->stages();
  const auto stage = std::ranges::find(stages, bug.stage, &harness::LocalisedStage::stage);
  const Tensor got = bug.compute(stage->inputs);
  const auto& truth = judged.steps[step].localised.at(bug.stage);
  EXPECT_FALSE(harness::compare(got, truth, got.dtype()).within) << "the planted bug changes nothing here";
  return harness::explain::explain_stage({bug.stage, got, truth, &stage->inputs, &item, step});
}

bool names(const Explanation& explanation, const std::string& id) {
  return std::ranges::count(explanation.findings, id, &harness::Finding::id) > 0;
}

Planted attention(std::string id, std::string case_name, BuggyAttention kernel) {
  return {std::move(id), std::move(case_name), Stage::attention,
          [kernel](const StageInputs& in) { return kernel(std::get<AttentionInputs>(in)); }};
}

// --- masks and keys ------------------------------------------------------------------------------------------------

BuggyAttention seeing(std::function<bool(const KernelRow&, std::int64_t j, bool visible)> sees) {
  BuggyAttention kernel;
  kernel.on_scores = [sees](KernelRow& row) {
    row.largest = -std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      row.visible[j] = sees(row, static_cast<std::int64_t>(j), row.visible[j]);
      if (row.visible[j]) row.largest = std::max(row.largest, row.scores[j]);
    }
  };
  return kernel;
}

BuggyAttention weighing(std::function<void(KernelRow&)> on_weights) {
  BuggyAttention kernel;
  kernel.on_weights = std::move(on_weights);
  return kernel;
}

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
      attention("finite_mask", "masks/bool_fully_masked_rows", finite_mask(-1e9F)),
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

/// Takes key j `times` times, in both sums.
BuggyAttention counting(std::function<float(const KernelRow&, std::int64_t j)> times) {
  return weighing([times](KernelRow& row) {
    row.sum = 0.0F;
    for (std::size_t j = 0; j < row.weights.size(); ++j) {
      row.weights[j] *= times(row, static_cast<std::int64_t>(j));
      row.sum += row.weights[j];
    }
  });
}

std::vector<Planted> key_bugs() {
  const auto last = [](const KernelRow& row) { return static_cast<std::int64_t>(row.scores.size()) - 1; };
  BuggyAttention value_lost;
  value_lost.on_weights = [](KernelRow& row) { row.weights[1] = 0.0F; };
  return {
      attention("key_missing", "sizes/h_d_8_s_65_b_1", counting([](auto&, auto j) { return j == 5 ? 0.0F : 1.0F; })),
      attention("key_missing", "cross/y_longer_not_causal",
                counting([=](auto& row, auto j) { return j > last(row) - 3 ? 0.0F : 1.0F; })),
      attention("key_missing", "heads/grouped_query",
                counting([](auto& row, auto j) { return j == row.i && j > 0 ? 0.0F : 1.0F; })),
      attention("key_twice", "sizes/h_d_8_s_65_b_1", counting([](auto&, auto j) { return j == 7 ? 2.0F : 1.0F; })),
      attention("key_twice", "cross/y_longer_not_causal",
                counting([=](auto& row, auto j) { return j == last(row) ? 2.0F : 1.0F; })),
      attention("value_missing", "cross/self_not_causal", value_lost),
      attention("hidden_key_seen", "masks/bool_full", seeing([](auto&, auto j, bool seen) { return seen || j == 2; })),
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
  BuggyAttention no_max, first_block, flush;
  no_max.on_scores = [](KernelRow& row) { row.largest = 0.0F; };
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
  const auto round_weights = [](KernelRow& row) {
    for (float& weight : row.weights) weight = to_float(round_to_bfloat16(weight));
  };
  BuggyAttention divided_by_cut;
  divided_by_cut.on_weights = [](KernelRow& row) { row.sum = cut(row.sum, 10); };
  return {
      attention("max_not_subtracted", "hard_inputs/large_logits", no_max),
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

// --- the other stages ----------------------------------------------------------------------------------------------

/// x W^T with a bias times `bias_times`, or x W.
Tensor product(const LinearInputs& in, float bias_times, bool transposed) {
  const auto out_features = static_cast<std::size_t>(in.weight.dim(0)),
             k_end = static_cast<std::size_t>(in.weight.dim(1));
  Shape shape = in.x.shape();
  shape.back() = in.weight.dim(0);
  Tensor y(DType::float32, shape);
  const auto x = in.x.as<float>(), w = in.weight.as<float>();
  for (std::size_t at = 0; at < y.as<float>().size(); ++at) {
    const std::size_t row = at / out_features, o = at % out_features;
    float sum = in.bias == nullptr ? 0.0F : bias_times * in.bias->as<float>()[o];
    for (std::size_t k = 0; k < k_end; ++k) {
      sum += x[row * k_end + k] * (transposed ? w[k * out_features + o] : w[o * k_end + k]);
    }
    y.as<float>()[at] = sum;
  }
  return y;
}

Planted linear(std::string id, std::string case_name, float bias_times, bool transposed) {
  return {std::move(id), std::move(case_name), Stage::q_proj,
          [=](const StageInputs& in) { return product(std::get<LinearInputs>(in), bias_times, transposed); }};
}

struct RotaryBug {
  bool halves = false;
  std::int64_t shift = 0;
  float direction = 1.0F;
  bool in_double = false;
};

/// For cases without input_pos: token i is at position i.
Tensor rotated(const RotaryInputs& in, const RotaryBug& bug) {
  Tensor y = in.x;
  const auto s = static_cast<std::size_t>(in.x.dim(1)), n = static_cast<std::size_t>(in.x.dim(2));
  const auto h_d = static_cast<std::size_t>(in.x.dim(3)), half = h_d / 2;
  const auto x = in.x.as<float>();
  const auto positions = in.input_pos == nullptr ? std::span<const std::int64_t>{} : in.input_pos->as<std::int64_t>();
  for (std::size_t row = 0; row < x.size() / h_d; ++row) {
    const std::size_t token = row / n;
    const std::int64_t given =
        positions.empty() ? static_cast<std::int64_t>(token % s) : positions[token % positions.size()];
    for (std::size_t i = 0; i < half; ++i) {
      const float theta = in.tables.theta.as<float>()[i];
      const auto position = static_cast<float>(given + bug.shift);
      const double angle = bug.in_double ? static_cast<double>(position) * static_cast<double>(theta)
                                         : static_cast<double>(position * theta);
      const auto cos = static_cast<float>(std::cos(angle)), sin = bug.direction * static_cast<float>(std::sin(angle));
      const std::size_t a = row * h_d + (bug.halves ? i : 2 * i), b = row * h_d + (bug.halves ? i + half : 2 * i + 1);
      y.as<float>()[a] = x[a] * cos - x[b] * sin;
      y.as<float>()[b] = x[b] * cos + x[a] * sin;
    }
  }
  return y;
}

Planted rotary(std::string id, std::string case_name, RotaryBug bug) {
  return {std::move(id), std::move(case_name), Stage::q_rope,
          [bug](const StageInputs& in) { return rotated(std::get<RotaryInputs>(in), bug); }};
}

/// x [b, n, s, h_d] normalised, epsilon times `eps_times`, the scale to the power of `scale_power`.
Tensor normed(const NormInputs& in, float eps_times, float scale_power) {
  const float eps = eps_times * static_cast<float>(std::get<RMSNorm>(in.norm).eps);
  Tensor y = in.x;
  const auto h_d = static_cast<std::size_t>(in.x.shape().back());
  const auto x = in.x.as<float>(), scale = in.scale.as<float>();
  for (std::size_t row = 0; row < x.size() / h_d; ++row) {
    const auto of = x.subspan(row * h_d, h_d);
    const float squares = std::inner_product(of.begin(), of.end(), of.begin(), 0.0F) / static_cast<float>(h_d);
    for (std::size_t c = 0; c < h_d; ++c) {
      y.as<float>()[row * h_d + c] = of[c] / std::sqrt(squares + eps) * std::pow(scale[c], scale_power);
    }
  }
  return y;
}

Planted norm(std::string id, std::string case_name, float eps_times, float scale_power) {
  return {std::move(id), std::move(case_name), Stage::q_norm,
          [=](const StageInputs& in) { return normed(std::get<NormInputs>(in), eps_times, scale_power); }};
}

std::vector<Planted> other_stages() {
  return {
      linear("bias_missing", "projections/bias_all", 0.0F, false),
      linear("bias_twice", "projections/bias_all", 2.0F, false),
      linear("weight_transposed", "heads/multi_head", 1.0F, true),
      rotary("rotary_pairs", "positions/base", {.halves = true}),
      rotary("position_off_by_one", "positions/base", {.shift = 1}),
      rotary("rotary_backwards", "positions/base", {.direction = -1.0F}),
      rotary("rotary_table_precision", "positions/base_far", {.in_double = true}),
      norm("norm_epsilon", "norms/large_eps", 0.0F, 1.0F),
      norm("norm_scale", "norms/large_eps", 1.0F, 0.0F),
  };
}

/// Patterns of the values alone, planted in any stage.
std::vector<Planted> value_bugs() {
  const auto spoiled = [](std::string id, std::function<void(std::span<float>, std::size_t length)> spoil) {
    return Planted{std::move(id), "heads/multi_head", Stage::v_proj, [spoil](const StageInputs& in) {
                     Tensor y = product(std::get<LinearInputs>(in), 1.0F, false);
                     spoil(y.as<float>(), static_cast<std::size_t>(y.shape().back()));
                     return y;
                   }};
  };
  return {
      spoiled("unwritten", [](auto y, auto) { y.back() = std::bit_cast<float>(harness::kUnwrittenBits); }),
      spoiled("zero", [](auto y, auto) { std::ranges::fill(y, 0.0F); }),
      spoiled("scaled", [](auto y, auto) { std::ranges::transform(y, y.begin(), [](float v) { return 0.5F * v; }); }),
      spoiled("rows_shifted", [](auto y, auto length) { std::copy(y.begin() + length, y.end(), y.begin()); }),
      spoiled("tail_lanes",
              [](auto y, auto length) {
                for (std::size_t at = 0; at < y.size(); ++at)
                  y[at] += at % length >= length - 3 ? 0.1F * static_cast<float>(at) : 0.0F;
              }),
  };
}

// --- the tests -----------------------------------------------------------------------------------------------------

/// What a layer gets wrong between its stages, seen in the stage that it spoils.
std::vector<Planted> layer_bugs() {
  const auto with = [](std::string id, std::string case_name, Stage stage, const char* weight) {
    return Planted{std::move(id), case_name, stage, [case_name, weight](const StageInputs& in) {
                     const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / (case_name + ".h5"));
                     const auto& linear = std::get<LinearInputs>(in);
                     return product({linear.x, item.layer.weights.at(weight), linear.bias}, 1.0F, false);
                   }};
  };
  const auto from_x = [](const StageInputs& in) {
    const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / "cross/same_length_other_tensor.h5");
    const auto& linear = std::get<LinearInputs>(in);
    return product({item.steps[0].inputs.x, linear.weight, linear.bias}, 1.0F, false);
  };
  const auto in_place = [](const StageInputs& in) {
    const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / "heads/multi_head.h5");
    const auto& linear = std::get<LinearInputs>(in);
    Tensor heads = linear.x;
    std::ranges::copy(item.steps[0].expected.at(Stage::attention).bytes(), heads.bytes().begin());
    return product({heads, linear.weight, linear.bias}, 1.0F, false);
  };
  return {with("weights_exchanged", "heads/grouped_query", Stage::k_proj, "v_proj.weight"),
          {"projected_from_x", "cross/same_length_other_tensor", Stage::v_proj, from_x},
          {"heads_not_transposed", "heads/multi_head", Stage::output, in_place}};
}

class explanation_of_a_planted_bug : public testing::TestWithParam<Planted> {};

TEST_P(explanation_of_a_planted_bug, names_it) {
  const Explanation explanation = explanation_of(GetParam());
  EXPECT_TRUE(names(explanation, GetParam().id)) << GetParam().case_name << ": " << text_of(explanation);
  for (const auto& finding : explanation.findings) EXPECT_FALSE(finding.sentence.empty());
}

std::string name_of_test(const testing::TestParamInfo<Planted>& info) {
  return info.param.id + "_" + std::to_string(info.index);
}

INSTANTIATE_TEST_SUITE_P(masks, explanation_of_a_planted_bug, testing::ValuesIn(mask_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(keys, explanation_of_a_planted_bug, testing::ValuesIn(key_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(scale, explanation_of_a_planted_bug, testing::ValuesIn(scale_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(softmax, explanation_of_a_planted_bug, testing::ValuesIn(softmax_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(heads, explanation_of_a_planted_bug, testing::ValuesIn(head_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(stages, explanation_of_a_planted_bug, testing::ValuesIn(other_stages()), name_of_test);
INSTANTIATE_TEST_SUITE_P(layer, explanation_of_a_planted_bug, testing::ValuesIn(layer_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(values, explanation_of_a_planted_bug, testing::ValuesIn(value_bugs()), name_of_test);

/// A cache whose entries stand `by` slots too far on, after the first call.
Explanation explanation_of_moved_slots(std::int64_t by) {
  const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / "cache/prefill_and_decode.h5");
  const auto judged = harness::with_truths(item);
  const auto& truth = judged.steps[0].end_to_end.at(Stage::k_cache);
  const Tensor& right = item.steps[0].expected.at(Stage::k_cache);
  Tensor wrong(right.dtype(), right.shape());
  const auto row = static_cast<std::size_t>(right.dim(3)) * sizeof(float);
  for (std::int64_t at = 0; at < right.size() / right.dim(3); ++at) {
    const std::int64_t from = at % right.dim(2) - by;
    if (from < 0 || from >= right.dim(2)) continue;
    std::ranges::copy(right.bytes().subspan(static_cast<std::size_t>(at - by) * row, row),
                      wrong.bytes().subspan(static_cast<std::size_t>(at) * row).begin());
  }
  return harness::explain::explain_stage({Stage::k_cache, wrong, truth, nullptr, &item, 0});
}

TEST(explanation, says_by_how_many_slots_a_cache_is_off) {
  EXPECT_TRUE(names(explanation_of_moved_slots(1), "slot_off_by_one"));
  EXPECT_TRUE(names(explanation_of_moved_slots(2), "slots_shifted"));
}

/// The reference, with its heads tiled in attention, alone and in the layer.
class Tiled final : public harness::Implementation {
 public:
  std::string name() const override { return "tiled"; }
  std::string target() const override { return ""; }
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
  const Case item = read_case(std::filesystem::path(ATTEST_FIXTURES) / "heads/grouped_query.h5");
  std::size_t explained = 0;
  for (const auto& result : harness::judge_implementation(harness::with_truths(item), Tiled())) {
    const bool failed = result.status == harness::Status::failed;
    EXPECT_EQ(failed, result.stage == "attention" && result.mode == harness::Mode::localised) << result.stage;
    EXPECT_EQ(failed, !text_of(result.explanation).empty());
    if (failed) EXPECT_TRUE(names(result.explanation, "heads_tiled")) << text_of(result.explanation);
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
