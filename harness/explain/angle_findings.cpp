#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "harness/explain/stage_hypotheses.h"
#include "reference/rotary.h"

namespace attest::harness::explain {
namespace {

/// Angles below this are a matter of the table's accuracy, above it of another position or frequency.
constexpr double kSmallAngle = 1e-3;

struct Pair {
  std::size_t a, b;
};

/// Where the two channels of pair i stand.
Pair pair_at(std::size_t i, std::size_t h_d, reference::RotaryPairs pairs) {
  if (pairs == reference::RotaryPairs::interleaved) return {2 * i, 2 * i + 1};
  return {i, i + h_d / 2};
}

/// The angle from the truth to what was got, if the pair kept its length.
std::optional<double> turned_by(const Residual& residual, std::int64_t row, Pair at) {
  const auto got = residual.got(row), truth = residual.truth(row), budget = residual.budget(row);
  const double before = std::hypot(truth[at.a], truth[at.b]), after = std::hypot(got[at.a], got[at.b]);
  if (!(std::fabs(after - before) <= 2 * (budget[at.a] + budget[at.b]))) return std::nullopt;
  return std::atan2(truth[at.a] * got[at.b] - truth[at.b] * got[at.a],
                    truth[at.a] * got[at.a] + truth[at.b] * got[at.b]);
}

}  // namespace

std::vector<Fitting> angle_findings(const RotaryInputs& inputs, const Residual& residual,
                                    const std::vector<std::int64_t>& rows) {
  const auto embedding = reference::rotary_embedding<double>(inputs.embedding, &inputs.tables, inputs.x.dtype());
  double largest = 0.0;
  for (const std::int64_t row : rows) {
    for (std::size_t i = 0; i < residual.row_length() / 2; ++i) {
      const auto angle = turned_by(residual, row, pair_at(i, residual.row_length(), embedding->pairs));
      if (!angle) return {};
      largest = std::max(largest, std::fabs(*angle));
    }
  }
  if (largest <= kSmallAngle) {
    return {
        {{"rotary_table_precision",
          fmt::format("every pair keeps its length but is turned by up to {:.1e} too much or too little: the angle or "
                      "the table has another precision than torchtune's float32",
                      largest)},
         kRoundingNoise}};
  }
  return {
      {{"rotary_angle", fmt::format("every pair keeps its length but is turned by another angle, off by up to {:.2g}: "
                                    "look at positions and frequencies",
                                    largest)},
       kRoundingNoise}};
}

}  // namespace attest::harness::explain
