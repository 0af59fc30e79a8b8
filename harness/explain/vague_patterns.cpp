#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "harness/explain/pattern_findings.h"
#include "harness/explain/region.h"
#include "reference/error_budget.h"

namespace attest::harness::explain {
namespace {

/// Errors below this share of a row's magnitude look like lost digits, those above like another number.
constexpr double kLostDigits = 0x1p-6;

/// rms(got - truth) / rms(truth) of a row; infinite where either is not finite or the truth is zero.
double relative_error(const Residual& residual, std::int64_t row) {
  const auto got = residual.got(row), truth = residual.truth(row);
  double errors = 0.0, squares = 0.0;
  for (std::size_t c = 0; c < truth.size(); ++c) {
    errors += (got[c] - truth[c]) * (got[c] - truth[c]);
    squares += truth[c] * truth[c];
  }
  const double relative = std::sqrt(errors / squares);
  return std::isfinite(relative) ? relative : std::numeric_limits<double>::infinity();
}

std::optional<Finding> last_columns(const Residual& residual) {
  std::size_t first = residual.row_length(), outside = 0;
  for (const std::int64_t row : residual.outside_rows()) {
    for (std::size_t c = 0; c < residual.row_length(); ++c) {
      if (!residual.is_outside(row, c)) continue;
      first = std::min(first, c);
      ++outside;
    }
  }
  const std::size_t tail = residual.row_length() - first;
  if (first == 0 || 2 * tail > residual.row_length()) return std::nullopt;
  // Elements that could be anywhere, all of them there by chance.
  const double share = static_cast<double>(tail) / static_cast<double>(residual.row_length());
  if (!(std::pow(share, static_cast<double>(outside)) <= 1e-3)) return std::nullopt;
  return Finding{"tail_lanes",
                 fmt::format("only the last {} of {} columns are wrong: a vector's tail", tail, residual.row_length())};
}

/// Whether what the stage computes depends on a position.
bool is_rotated(Stage stage) {
  return stage == Stage::q_rope || stage == Stage::k_rope || stage == Stage::q_norm || stage == Stage::k_norm ||
         stage == Stage::k_cache;
}

/// Each row's index on the axis that counts tokens (or slots).
std::vector<std::int64_t> tokens_of(const Residual& residual, const std::vector<std::int64_t>& rows) {
  const auto names = axis_names(residual.stage());
  const auto axis = std::ranges::find_if(names, [](const auto& name) { return name == "token" || name == "slot"; });
  std::vector<std::int64_t> tokens;
  for (const std::int64_t row : rows) {
    tokens.push_back(residual.index(row)[static_cast<std::size_t>(axis - names.begin())]);
  }
  return tokens;
}

/// The correlation of log(relative error) with the token's index, over the rows outside.
std::optional<Finding> grows_with_position(const Residual& residual) {
  if (!is_rotated(residual.stage())) return std::nullopt;
  const auto tokens = tokens_of(residual, residual.outside_rows());
  std::vector<double> x, y;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const double relative = relative_error(residual, residual.outside_rows()[i]);
    if (tokens[i] == 0 || !std::isfinite(relative) || relative <= 0.0) continue;
    x.push_back(std::log(static_cast<double>(tokens[i])));
    y.push_back(std::log(relative));
  }
  constexpr std::size_t kFewRows = 8;
  constexpr double kClearCorrelation = 0.8;
  if (x.size() < kFewRows) return std::nullopt;
  const double n = static_cast<double>(x.size());
  const double mean_x = std::accumulate(x.begin(), x.end(), 0.0) / n,
               mean_y = std::accumulate(y.begin(), y.end(), 0.0) / n;
  double xx = 0.0, yy = 0.0, xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xx += (x[i] - mean_x) * (x[i] - mean_x);
    yy += (y[i] - mean_y) * (y[i] - mean_y);
    xy += (x[i] - mean_x) * (y[i] - mean_y);
  }
  if (!(xy > kClearCorrelation * std::sqrt(xx * yy))) return std::nullopt;
  return Finding{"grows_with_position", "the error grows with the position: look at the rotary table or its angle"};
}

/// Whether a good part of the rows is off about as far as the worst is: a cause that shows in few rows is another.
bool is_spread_evenly(const Residual& residual) {
  std::int64_t near = 0;
  for (std::int64_t row = 0; row < residual.rows(); ++row) near += 4 * residual.e(row) >= residual.e();
  return 4 * near >= residual.rows();
}

/// rms(got - truth) over the rows outside, in units in the last place of a row's largest magnitude.
double units_in_the_last_place(const Residual& residual) {
  double squares = 0.0, count = 0.0;
  for (const std::int64_t row : residual.outside_rows()) {
    const auto got = residual.got(row), truth = residual.truth(row);
    double largest = 0.0;
    for (const double y : truth) largest = std::max(largest, std::fabs(y));
    const double unit = 2 * reference::half_ulp(largest, residual.dtype());
    for (std::size_t c = 0; c < truth.size(); ++c) squares += std::pow((got[c] - truth[c]) / unit, 2);
    count += static_cast<double>(truth.size());
  }
  return std::sqrt(squares / count);
}

std::optional<Finding> lost_digits(const Residual& residual) {
  double worst = 0.0;
  for (const std::int64_t row : residual.outside_rows()) worst = std::max(worst, relative_error(residual, row));
  if (!(worst <= kLostDigits) || !is_spread_evenly(residual)) return std::nullopt;
  return Finding{
      "precision",
      fmt::format("the errors look like rounding noise of about {:.2g} units in the last place, spread evenly "
                  "({} of {} rows are off by up to 2^{:.0f} of their magnitude): look at exp, a reciprocal, a "
                  "table, a stored operand",
                  units_in_the_last_place(residual), residual.outside_rows().size(), residual.rows(),
                  std::log2(worst))};
}

}  // namespace

std::vector<Finding> vague_patterns(const Residual& residual) {
  std::vector<Finding> found;
  for (const auto& finding : {last_columns(residual), grows_with_position(residual), lost_digits(residual)}) {
    if (finding) found.push_back(*finding);
  }
  return found;
}

}  // namespace attest::harness::explain
