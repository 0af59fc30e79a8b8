#include "harness/judge/judge_tables.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "fixtures/bfloat16.h"
#include "property_tests/golden_cases.h"
#include "reference/rotary_tables.h"

/// Recorded rotary tables against their configuration: what torch's rounding does passes, everything else is named.
namespace attest::harness {
namespace {

constexpr std::int64_t kRows = 600;

Case case_with(const PosEmbeddings& embedding, RotaryTables tables) {
  Case item;
  item.name = "rotary/tables";
  item.family = "randn";
  item.layer.config.pos_embeddings = embedding;
  item.layer.tables = std::move(tables);
  return item;
}

Result judge(const PosEmbeddings& embedding, const RotaryTables& tables) {
  const Case item = case_with(embedding, tables);
  const JudgedCase judged{item, family_from_name(item.family), {}, 0};
  const auto results = judge_tables(judged);
  EXPECT_EQ(results.size(), 1u);
  return results.at(0);
}

const RotaryPositionalEmbeddings kPlain{64, 4096, 10'000.0};
const Llama3ScaledRoPE kScaled{64, 4096, 500'000.0};

/// That tables which are not the embedding's fail, and that this is the first cause named.
void expect_named(const PosEmbeddings& embedding, const RotaryTables& tables, const std::string& id) {
  const Result result = judge(embedding, tables);
  EXPECT_EQ(result.status, Status::failed) << id;
  EXPECT_GT(result.comparison.e, 1.0) << id;
  ASSERT_FALSE(result.explanation.findings.empty()) << id << " is not named";
  EXPECT_EQ(result.explanation.findings.front().id, id) << text_of(result.explanation);
}

/// The right tables with every cosine and sine changed.
RotaryTables changed(const PosEmbeddings& embedding, const std::function<float(float)>& change) {
  auto tables = reference::build_rotary_tables(embedding, kRows);
  for (auto* table : {&tables.cos, &tables.sin}) {
    for (float& value : table->as<float>()) value = change(value);
  }
  return tables;
}

TEST(judge_tables, all_recorded_tables_pass) {
  int judged_tables = 0;
  for (const auto& file : golden_files()) {
    const Case item = read_case(file);
    const JudgedCase judged{item, family_from_name(item.family), {}, 0};
    for (const auto& result : judge_tables(judged)) {
      EXPECT_EQ(result.status, Status::passed) << item.name << ": " << result.message << ", e " << result.comparison.e;
      EXPECT_GT(result.comparison.judged, 0);
      ++judged_tables;
    }
  }
  EXPECT_GT(judged_tables, 50);
}

TEST(judge_tables, an_ulp_of_torchs_power_and_two_of_its_cosine_are_within_the_budget_and_more_is_not) {
  const auto right = reference::build_rotary_tables(kPlain, kRows);
  EXPECT_EQ(judge(kPlain, right).comparison.e, 0.0);
  auto theta = right.theta;
  theta.as<float>()[20] = std::nextafter(theta.as<float>()[20], 2.0F);
  EXPECT_EQ(judge(kPlain, reference::rotary_tables_of(theta.as<float>(), kRows)).status, Status::passed);
  for (int i = 0; i < 8; ++i) theta.as<float>()[20] = std::nextafter(theta.as<float>()[20], 2.0F);
  EXPECT_EQ(judge(kPlain, reference::rotary_tables_of(theta.as<float>(), kRows)).status, Status::failed);
  EXPECT_EQ(judge(kPlain, changed(kPlain, [](float value) { return value + 0x1p-23F; })).status, Status::passed);
  EXPECT_EQ(judge(kPlain, changed(kPlain, [](float value) { return value + 0x1p-21F; })).status, Status::failed);
}

TEST(judge_tables, one_wrong_element_of_any_table_is_noticed_even_if_it_is_nan) {
  for (const float value : {0.3F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const auto member : {&RotaryTables::theta, &RotaryTables::cos, &RotaryTables::sin}) {
      auto tables = reference::build_rotary_tables(kPlain, kRows);
      (tables.*member).as<float>()[17] = value;
      const Result result = judge(kPlain, tables);
      EXPECT_EQ(result.status, Status::failed);
      EXPECT_FALSE(text_of(result.explanation).empty());
      EXPECT_TRUE(result.explanation.findings.empty()) << result.explanation.findings.front().sentence;
    }
  }
}

TEST(judge_tables, another_base_is_solved_for) {
  for (const double base : {500'000.0, 1'000'000.0, 150'000.0, 9'000.0}) {
    auto other = kPlain;
    other.base = base;
    const auto tables = reference::build_rotary_tables(other, kRows);
    expect_named(kPlain, tables, "table_base");
    EXPECT_NE(judge(kPlain, tables).explanation.findings.front().sentence.find(std::to_string(int(base))),
              std::string::npos);
  }
  auto scaled = kScaled;
  scaled.base = 10'000.0;
  expect_named(kScaled, reference::build_rotary_tables(scaled, kRows), "table_base");
}

TEST(judge_tables, scaling_that_was_left_out_or_added_is_named) {
  const RotaryPositionalEmbeddings unscaled{64, 4096, 500'000.0};
  expect_named(kScaled, reference::build_rotary_tables(unscaled, kRows), "table_scaling_left_out");
  expect_named(unscaled, reference::build_rotary_tables(kScaled, kRows), "table_scaling_added");
  auto by_32 = kScaled;
  by_32.scale_factor = 32.0;
  expect_named(kScaled, reference::build_rotary_tables(by_32, kRows), "table_scaling_added");
  auto theta = reference::build_rotary_tables(kPlain, 1).theta;
  for (float& value : theta.as<float>()) value /= 4.0F;
  expect_named(kPlain, reference::rotary_tables_of(theta.as<float>(), kRows), "table_positions_scaled");
}

TEST(judge_tables, another_precision_is_named) {
  const auto rounded = [](float value) { return to_float(round_to_bfloat16(value)); };
  expect_named(kPlain, changed(kPlain, rounded), "table_bfloat16");
  auto theta = reference::build_rotary_tables(kPlain, 1).theta;
  for (float& value : theta.as<float>()) value = rounded(value);
  expect_named(kPlain, reference::rotary_tables_of(theta.as<float>(), kRows), "table_theta_bfloat16");

  const auto exact = reference::build_rotary_tables(kPlain, kRows);
  const auto of_angle = [&](const std::function<double(double, double)>& angle) {
    auto tables = exact;
    for (std::size_t at = 0; at < tables.cos.as<float>().size(); ++at) {
      const double turn = angle(static_cast<double>(at / 32), static_cast<double>(exact.theta.as<float>()[at % 32]));
      tables.cos.as<float>()[at] = static_cast<float>(std::cos(turn));
      tables.sin.as<float>()[at] = static_cast<float>(std::sin(turn));
    }
    return tables;
  };
  const auto angle32 = [](double p, double t) { return double{static_cast<float>(p * t)}; };
  expect_named(kPlain, of_angle([](double p, double t) { return p * t; }), "table_angles_float64");
  expect_named(kPlain, of_angle([&](double p, double t) { return double{rounded(static_cast<float>(p * t))}; }),
               "table_angles_bfloat16");
  expect_named(kPlain, of_angle([&](double p, double t) { return angle32(p + 1, t); }), "table_one_early");
  expect_named(kPlain, of_angle([&](double p, double t) { return angle32(p - 1, t); }), "table_one_late");
  expect_named(kPlain, of_angle([&](double p, double t) { return std::numbers::pi / 2 - angle32(p, t); }),
               "table_exchanged");
  expect_named(kPlain, of_angle([&](double p, double t) { return -angle32(p, t); }), "table_negated");
}

TEST(judge_tables, garbage_fails_and_no_cause_is_made_up) {
  float next = 0.1F;
  const auto garbage = changed(kPlain, [&](float) { return next = std::fmod(next * 1.7F + 0.13F, 1.0F); });
  const Result result = judge(kPlain, garbage);
  EXPECT_EQ(result.status, Status::failed);
  EXPECT_TRUE(result.explanation.findings.empty()) << text_of(result.explanation);
  EXPECT_NE(text_of(result.explanation).find("no hypothesis fits"), std::string::npos);
}

TEST(judge_tables, a_layer_without_rotary_embedding_has_none_to_judge) {
  Case item = case_with(NoPosEmbeddings{}, {});
  item.layer.tables.reset();
  EXPECT_TRUE(judge_tables({item, family_from_name(item.family), {}, 0}).empty());
}

}  // namespace
}  // namespace attest::harness
