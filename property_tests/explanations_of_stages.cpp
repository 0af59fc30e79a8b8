#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "harness/verdict/unwritten.h"
#include "property_tests/planted_bug.h"

/// Bugs planted in projections, rotary embeddings, norms, caches and the layer, and what is said about them.
namespace attest::property_tests {
namespace {

using harness::Explanation;
using harness::StageInputs;

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
  float stretch = 1.0F;  ///< of the angle
  bool in_double = false;
  double turn = 0.0;  ///< added to every angle
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
      const double angle =
          static_cast<double>(bug.stretch) * (bug.in_double ? static_cast<double>(position) * static_cast<double>(theta)
                                                            : static_cast<double>(position * theta)) +
          bug.turn;
      const auto cos = static_cast<float>(std::cos(angle)), sin = static_cast<float>(std::sin(angle));
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
      rotary("rotary_backwards", "positions/base", {.stretch = -1.0F}),
      rotary("rotary_position", "positions/base", {.shift = 5}),
      rotary("rotary_frequency", "positions/base", {.stretch = 0.9F}),
      rotary("rotary_angle", "positions/base", {.turn = 0.5}),
      rotary("rotary_table_precision", "positions/base", {.stretch = 1.00002F}),
      rotary("rotary_table_precision", "positions/base_far", {.in_double = true}),
      norm("norm_epsilon", "norms/large_eps", 0.0F, 1.0F),
      norm("norm_scale", "norms/large_eps", 1.0F, 0.0F),
  };
}

/// Of a rotation, by nothing that is known.
Tensor growing_errors(const StageInputs& in) {
  Tensor y = rotated(std::get<RotaryInputs>(in), {});
  const auto heads = static_cast<std::size_t>(y.dim(2) * y.dim(3)), tokens = static_cast<std::size_t>(y.dim(1));
  for (std::size_t at = 0; at < y.as<float>().size(); ++at) {
    const auto token = static_cast<float>(at / heads % tokens);
    y.as<float>()[at] *= 1.0F + 0.1F * token * std::sin(static_cast<float>(at * at));
  }
  return y;
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
      spoiled("not_finite", [](auto y, auto) { y.front() = std::numeric_limits<float>::quiet_NaN(); }),
      spoiled("rows_scaled",
              [](auto y, auto length) {
                for (std::size_t at = 0; at < y.size(); ++at) y[at] *= 2.0F + static_cast<float>(at / length);
              }),
      spoiled("not_cleared",
              [](auto y, auto length) {
                for (auto at = y.begin() + length; at != y.end(); ++at) *at = 0.6F * *at + 0.4F * *(at - length);
              }),
      spoiled("batch_mixed", [](auto y, auto) { std::ranges::rotate(y, y.begin() + std::ssize(y) / 2); }),
      spoiled("rows_permuted",
              [](auto y, auto length) {
                std::ranges::reverse(y);
                for (auto row = y.begin(); row != y.end(); row += length) std::reverse(row, row + length);
              }),
      {"grows_with_position", "positions/base", Stage::q_rope, growing_errors},
      spoiled("tail_lanes",
              [](auto y, auto length) {
                for (std::size_t at = 0; at < y.size(); ++at)
                  y[at] += at % length >= length - 3 ? 0.1F * static_cast<float>(at) : 0.0F;
              }),
  };
}

/// What a layer gets wrong between its stages, seen in the stage that it spoils.
std::vector<Planted> layer_bugs() {
  const auto with = [](std::string id, std::string case_name, Stage stage, const char* weight) {
    return Planted{std::move(id), case_name, stage, [case_name, weight](const StageInputs& in) {
                     const Case item = recorded_case(case_name);
                     const auto& linear = std::get<LinearInputs>(in);
                     return product({linear.x, item.layer.weights.at(weight), linear.bias}, 1.0F, false);
                   }};
  };
  const auto from_x = [](const StageInputs& in) {
    const Case item = recorded_case("cross/same_length_other_tensor");
    const auto& linear = std::get<LinearInputs>(in);
    return product({item.steps[0].inputs.x, linear.weight, linear.bias}, 1.0F, false);
  };
  const auto in_place = [](const StageInputs& in) {
    const Case item = recorded_case("heads/multi_head");
    const auto& linear = std::get<LinearInputs>(in);
    Tensor heads = linear.x;
    std::ranges::copy(item.steps[0].expected.at(Stage::attention).bytes(), heads.bytes().begin());
    return product({heads, linear.weight, linear.bias}, 1.0F, false);
  };
  return {with("weights_exchanged", "heads/grouped_query", Stage::k_proj, "v_proj.weight"),
          {"projected_from_x", "cross/same_length_other_tensor", Stage::v_proj, from_x},
          {"heads_not_transposed", "heads/multi_head", Stage::output, in_place}};
}

/// A cache whose entries stand `by` slots too far on, after the first call.
Explanation explanation_of_moved_slots(std::int64_t by) {
  const Case item = recorded_case("cache/prefill_and_decode");
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

class explanation_of_a_planted_bug : public testing::TestWithParam<Planted> {};
TEST_P(explanation_of_a_planted_bug, names_it) { expect_named(GetParam()); }

INSTANTIATE_TEST_SUITE_P(stages, explanation_of_a_planted_bug, testing::ValuesIn(other_stages()), name_of_test);
INSTANTIATE_TEST_SUITE_P(layer, explanation_of_a_planted_bug, testing::ValuesIn(layer_bugs()), name_of_test);
INSTANTIATE_TEST_SUITE_P(values, explanation_of_a_planted_bug, testing::ValuesIn(value_bugs()), name_of_test);

}  // namespace
}  // namespace attest::property_tests
