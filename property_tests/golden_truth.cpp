#include <gtest/gtest.h>

#include <cmath>

#include "property_tests/golden_cases.h"
#include "reference/truth.h"

namespace attest {
namespace {

constexpr double kAgreement = 1e-12;  // relative to the largest magnitude in the row

/// The largest |a - b| / max |b| of a row of the last axis. Classes (NaN, infinities) must agree; otherwise infinite.
double disagreement(std::span<const double> a, std::span<const double> b, std::size_t row_length) {
  double worst = 0;
  for (std::size_t first = 0; first < b.size(); first += row_length) {
    double difference = 0, magnitude = 0;
    for (std::size_t at = first; at < first + row_length; ++at) {
      if (a[at] == b[at] || (std::isnan(a[at]) && std::isnan(b[at]))) continue;
      if (!std::isfinite(a[at]) || !std::isfinite(b[at])) return INFINITY;
      difference = std::max(difference, std::fabs(a[at] - b[at]));
    }
    for (std::size_t at = first; at < first + row_length; ++at) {
      if (std::isfinite(b[at])) magnitude = std::max(magnitude, std::fabs(b[at]));
    }
    if (difference > 0) worst = std::max(worst, difference / magnitude);
  }
  return worst;
}

void expect_agreement(const Stages& recorded, const std::map<Stage, reference::StageTruth>& computed) {
  EXPECT_EQ(recorded.size(), computed.size());
  for (const auto& [stage, truth] : recorded) {
    SCOPED_TRACE(name_of(stage));
    ASSERT_TRUE(computed.contains(stage));
    const Tensor& value = computed.at(stage).value;
    ASSERT_EQ(value.shape(), truth.shape());
    const auto row_length = static_cast<std::size_t>(truth.shape().back());
    EXPECT_LE(disagreement(value.as<double>(), truth.as<double>(), row_length), kAgreement);
  }
}

TEST(golden_truth, agrees_with_the_independent_truth_on_every_stage_of_every_case) {
  const auto files = golden_files();
  ASSERT_FALSE(files.empty());
  for (const auto& file : files) {
    const Case item = read_case(file);
    if (constructor_raises(item) || item.steps.front().sampled) continue;  // sampled: golden_case compares the rows
    reference::LayerTruth chain(item.layer);
    for (std::size_t number = 0; number < item.steps.size(); ++number) {
      SCOPED_TRACE(item.name + ", step " + std::to_string(number));
      const Step& step = item.steps[number];
      if (step.reset_cache) chain.reset_cache();
      if (!step.error) expect_agreement(step.truth, chain.forward(step.inputs));
    }
  }
}

}  // namespace
}  // namespace attest
