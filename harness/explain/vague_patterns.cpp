#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "harness/explain/pattern_findings.h"
#include "harness/explain/region.h"

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
  std::size_t first = residual.row_length();
  for (const std::int64_t row : residual.outside_rows()) {
    for (std::size_t c = 0; c < residual.row_length(); ++c) {
      if (residual.is_outside(row, c)) first = std::min(first, c);
    }
  }
  const std::size_t tail = residual.row_length() - first;
  if (first == 0 || 2 * tail > residual.row_length()) return std::nullopt;
  return Finding{"tail_lanes",
                 fmt::format("only the last {} of {} columns are wrong: a vector's tail", tail, residual.row_length())};
}

/// The axis that counts tokens (or slots), and each row's index on it.
std::vector<std::int64_t> tokens_of(const Residual& residual, const std::vector<std::int64_t>& rows) {
  Shape shape = residual.shape();
  shape.pop_back();
  const auto names = axis_names(residual.stage());
  std::size_t axis = 0;
  while (axis + 1 < std::min(names.size(), shape.size()) && names[axis] != "token" && names[axis] != "slot") ++axis;
  std::vector<std::int64_t> tokens;
  for (const std::int64_t row : rows) tokens.push_back(unflatten(row, shape)[axis]);
  return tokens;
}

/// The correlation of log(relative error) with the token's index, over the rows outside.
std::optional<Finding> grows_with_position(const Residual& residual) {
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

std::optional<Finding> lost_digits(const Residual& residual) {
  double worst = 0.0;
  for (const std::int64_t row : residual.outside_rows()) worst = std::max(worst, relative_error(residual, row));
  if (!(worst <= kLostDigits)) return std::nullopt;
  return Finding{"precision",
                 fmt::format("{} of {} rows are off by up to 2^{:.0f} of their magnitude: something is less "
                             "accurate than float32 (exp, a reciprocal, a table, a stored operand)",
                             residual.outside_rows().size(), residual.rows(), std::log2(worst))};
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
