#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <span>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
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

/// A row whose pairs kept their lengths: by which angles they are turned too far, and how sure that is.
struct TurnedRow {
  std::int64_t row, token, position;
  std::vector<double> angles, tolerances;
};

double wrapped(double angle) { return std::remainder(angle, 2 * std::numbers::pi); }

/// Nullopt if a pair has another length.
std::optional<TurnedRow> turned_row(const Residual& residual, std::int64_t row, reference::RotaryPairs pairs) {
  TurnedRow turned{row, 0, 0, {}, {}};
  const auto truth = residual.truth(row), budget = residual.budget(row);
  for (std::size_t i = 0; i < residual.row_length() / 2; ++i) {
    const Pair at = pair_at(i, residual.row_length(), pairs);
    const auto angle = turned_by(residual, row, at);
    if (!angle) return std::nullopt;
    turned.angles.push_back(*angle);
    turned.tolerances.push_back(2 * (budget[at.a] + budget[at.b]) / std::hypot(truth[at.a], truth[at.b]));
  }
  return turned;
}

/// What float32 makes of an angle: it loses digits at far positions.
double angle_rounding(std::int64_t position, double theta) {
  return std::fabs(static_cast<double>(position) * theta) * 0x1p-23 + 0x1p-23;
}

/// How many positions too far a row is turned; nullopt if by none that is whole.
std::optional<std::int64_t> positions_too_far(const TurnedRow& turned, std::span<const double> theta) {
  constexpr std::int64_t kFarthest = 8192;
  const auto fits = [&](std::int64_t by) {
    for (std::size_t i = 0; i < theta.size(); ++i) {
      const double off = std::fabs(wrapped(turned.angles[i] - static_cast<double>(by) * theta[i]));
      const double rounding =
          angle_rounding(turned.position, theta[i]) + angle_rounding(turned.position + by, theta[i]);
      if (!(off <= turned.tolerances[i] + rounding)) return false;
    }
    return true;
  };
  for (std::int64_t far = 0; far <= kFarthest; ++far) {
    if (fits(far)) return far;
    if (fits(-far)) return -far;
  }
  return std::nullopt;
}

/// Every row is turned as another position's: which, if the rows say it.
std::optional<Finding> solved_positions(const std::vector<TurnedRow>& rows, std::span<const double> theta) {
  std::vector<std::int64_t> too_far;
  for (const TurnedRow& row : rows) {
    const auto by = positions_too_far(row, theta);
    if (!by) return std::nullopt;
    too_far.push_back(*by);
  }
  std::size_t worst = 0;
  for (std::size_t n = 0; n < rows.size(); ++n) {
    if (std::abs(too_far[n]) > std::abs(too_far[worst])) worst = n;
  }
  if (too_far[worst] == 0) return std::nullopt;
  if (std::ranges::all_of(too_far, [&](std::int64_t by) { return by == too_far[worst]; })) {
    return Finding{"rotary_position", fmt::format("every position is {} too {}", std::abs(too_far[worst]),
                                                  too_far[worst] > 0 ? "high" : "low")};
  }
  return Finding{"rotary_position",
                 fmt::format("tokens are rotated by other positions than theirs: token {} by position {} instead of {}",
                             rows[worst].token, rows[worst].position + too_far[worst], rows[worst].position)};
}

/// What a pair turns too far at each position, if that is always in proportion to the position.
std::optional<double> excess_frequency(const std::vector<TurnedRow>& by_position, std::size_t i, double theta) {
  double excess = 0.0, tolerance = std::numbers::pi;
  for (const TurnedRow& row : by_position) {
    const auto position = static_cast<double>(row.position);
    const double sure = row.tolerances[i] + 2 * angle_rounding(row.position, theta);
    const double off = wrapped(row.angles[i] - position * excess);
    if (!(std::fabs(off) <= sure + position * tolerance)) return std::nullopt;
    if (row.position == 0) continue;
    excess += off / position;
    tolerance = sure / position;
  }
  return excess;
}

/// The frequencies are others.
std::optional<Finding> solved_frequencies(std::vector<TurnedRow> rows, std::span<const double> theta) {
  std::ranges::sort(rows, {}, &TurnedRow::position);
  if (rows.empty() || rows.front().position == rows.back().position) return std::nullopt;
  std::size_t worst = 0;
  double worst_excess = 0.0;
  for (std::size_t i = 0; i < theta.size(); ++i) {
    const auto excess = excess_frequency(rows, i, theta[i]);
    if (!excess) return std::nullopt;
    if (!(std::fabs(*excess) <= std::fabs(worst_excess) * theta[i] / theta[worst])) worst = i, worst_excess = *excess;
  }
  // A smaller one is a matter of float32's digits.
  if (!(std::fabs(worst_excess) >= 0x1p-12 * theta[worst])) return std::nullopt;
  return Finding{"rotary_frequency",
                 fmt::format("the frequencies are others: pair {} turns by {:.6g} a position instead of {:.6g}", worst,
                             theta[worst] + worst_excess, theta[worst])};
}

}  // namespace

std::vector<Fitting> angle_findings(const RotaryInputs& inputs, const Residual& residual,
                                    const std::vector<std::int64_t>& rows) {
  const auto embedding = reference::rotary_embedding<double>(inputs.embedding, &inputs.tables, inputs.x.dtype());
  const auto positions = resolve_positions(inputs.input_pos, inputs.x.dim(0), inputs.x.dim(1),
                                           rotary_extent(inputs.embedding)->max_seq_len);
  const std::vector<double> theta = to_doubles(inputs.tables.theta);
  std::vector<TurnedRow> turned;
  double largest = 0.0;
  for (const std::int64_t row : rows) {
    auto one = turned_row(residual, row, embedding->pairs);
    if (!one) return {};
    const std::int64_t place = row / inputs.x.dim(2);
    one->token = place % inputs.x.dim(1);
    one->position = positions[static_cast<std::size_t>(place)];
    for (const double angle : one->angles) largest = std::max(largest, std::fabs(angle));
    turned.push_back(std::move(*one));
  }
  const auto found = [](Finding finding) { return std::vector<Fitting>{{std::move(finding), kRoundingNoise}}; };
  if (auto solved = solved_frequencies(turned, theta)) return found(*solved);
  if (largest <= kSmallAngle) {
    return found({"rotary_table_precision",
                  fmt::format("every pair keeps its length but is turned by up to {:.1e} too much or too little: the "
                              "angle or the table has another precision than torchtune's float32",
                              largest)});
  }
  if (auto solved = solved_positions(turned, theta)) return found(*solved);
  return found({"rotary_angle", fmt::format("every pair keeps its length but is turned by another angle, off by up to "
                                            "{:.2g}: look at positions and frequencies",
                                            largest)});
}

}  // namespace attest::harness::explain
