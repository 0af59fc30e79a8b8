#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <optional>

#include "harness/explain/hypothesis.h"
#include "harness/explain/pattern_findings.h"
#include "harness/explain/region.h"
#include "harness/verdict/unwritten.h"

namespace attest::harness::explain {
namespace {

std::optional<Finding> unwritten(const Tensor& got, const Residual& residual) {
  std::int64_t count = 0, first = -1;
  for (std::int64_t at = 0; at < got.size(); ++at) {
    if (!is_unwritten(got, at)) continue;
    if (count++ == 0) first = at;
  }
  if (count == 0) return std::nullopt;
  const auto columns = static_cast<std::int64_t>(residual.row_length());
  Shape index = residual.index(first / columns);
  index.push_back(first % columns);
  return Finding{"unwritten", fmt::format("{} elements were never written, the first at {}; {}", count,
                                          to_string(index), region_text(residual))};
}

/// `holds` of every outside row.
template <class Holds>
bool everywhere_outside(const Residual& residual, Holds holds) {
  return std::ranges::all_of(residual.outside_rows(), [&](std::int64_t row) { return holds(residual.got(row)); });
}

bool is_zero(std::span<const double> y) {
  return std::ranges::all_of(y, [](double value) { return value == 0.0; });
}

/// Zeros look like many things; that they are zeros is sure.
std::optional<Finding> zeros(const Residual& residual) {
  if (!everywhere_outside(residual, is_zero)) return std::nullopt;
  for (std::int64_t row = 0; row < residual.rows(); ++row) {
    if (!is_zero(residual.got(row))) return Finding{"zero", region_text(residual) + " are zero"};
  }
  return Finding{"zero", "the output is zero throughout"};
}

std::optional<Finding> not_finite(const Residual& residual) {
  const auto holds = [](std::span<const double> y) {
    return std::ranges::any_of(y, [](double value) { return !std::isfinite(value); });
  };
  if (!everywhere_outside(residual, holds)) return std::nullopt;
  return Finding{"not_finite", region_text(residual) + " hold NaN or infinity"};
}

/// A factor this near to one is a matter of accuracy.
constexpr double kNearlyOne = 0x1p-6;

/// The factor by which got is nearest to a multiple of the truth.
double factor_of(const Residual& residual, std::int64_t row) {
  const auto got = residual.got(row), truth = residual.truth(row);
  return std::inner_product(got.begin(), got.end(), truth.begin(), 0.0) /
         std::inner_product(truth.begin(), truth.end(), truth.begin(), 0.0);
}

/// Whether the row's truth is a multiple of another's nearby.
bool is_parallel_to_another(const Residual& residual, std::int64_t row) {
  constexpr std::int64_t kNearby = 8;
  const auto a = residual.truth(row);
  const std::int64_t end = std::min(row + kNearby + 1, residual.rows());
  for (std::int64_t other = std::max<std::int64_t>(row - kNearby, 0); other < end; ++other) {
    if (other == row) continue;
    const auto b = residual.truth(other);
    const double ab = std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
    const double aa = std::inner_product(a.begin(), a.end(), a.begin(), 0.0);
    const double bb = std::inner_product(b.begin(), b.end(), b.begin(), 0.0);
    if (bb > 0 && ab * ab >= (1 - 1e-6) * aa * bb) return true;
  }
  return false;
}

std::optional<Finding> scaled(const Residual& residual, const std::vector<std::int64_t>& rows) {
  std::vector<double> factors;
  Fit fit(residual);
  // Where all values have one direction, rows are multiples of one another whatever their weights are.
  const auto parallel =
      std::ranges::count_if(residual.outside_rows(), [&](auto row) { return is_parallel_to_another(residual, row); });
  if (2 * parallel > std::ssize(residual.outside_rows())) return std::nullopt;
  for (const std::int64_t row : rows) {
    if (residual.e(row) <= 1.0) continue;
    const double factor = factor_of(residual, row);
    std::vector<double> wrong(residual.truth(row).begin(), residual.truth(row).end());
    for (double& value : wrong) value *= factor;
    // A row of one column is a multiple of anything.
    if (wrong.size() < 2 || factor == 0.0 || !std::isfinite(factor)) return std::nullopt;
    if (!fit.takes(residual.nearness(row, wrong))) return std::nullopt;
    factors.push_back(factor);
  }
  if (factors.empty() || !fit.is_clearly_nearer_than_truth()) return std::nullopt;
  const auto [least, most] = std::ranges::minmax(factors);
  const std::string where = region_text(residual);
  if (factors.size() > 1 && most - least <= std::min(1e-4 * std::fabs(most), std::fabs(most - 1) / 16)) {
    return Finding{"scaled", fmt::format("{} are the truth times {:.6g}", where, most)};
  }
  if (least > 1 - kNearlyOne && most < 1 + kNearlyOne) {
    return Finding{"row_sum_inaccurate",
                   fmt::format("{} are the truth times a factor of their own within 2^{:.0f} of one: a row sum or its "
                               "reciprocal of low accuracy",
                               where, std::log2(std::max(most - 1, 1 - least)))};
  }
  return Finding{
      "rows_scaled",
      fmt::format("{} are multiples of the truth, each by a factor of its own, {:.4g} to {:.4g}", where, least, most)};
}

/// By how much of the way a row is from its truth to what the row before holds; least squares.
double share_of_the_row_before(const Residual& residual, std::int64_t row) {
  const auto got = residual.got(row), truth = residual.truth(row), before = residual.got(row - 1);
  double along = 0.0, squares = 0.0;
  for (std::size_t c = 0; c < truth.size(); ++c) {
    along += (got[c] - truth[c]) * (before[c] - truth[c]);
    squares += (before[c] - truth[c]) * (before[c] - truth[c]);
  }
  return along / squares;
}

/// Accumulators that go on from where they were, numerator and denominator alike: each row lies between its own truth
/// and the row before.
std::optional<Finding> not_cleared(const Residual& residual, const std::vector<std::int64_t>& rows) {
  constexpr std::size_t kFewestChannels = 4;
  constexpr int kFewRows = 3;
  if (residual.is_sampled() || residual.row_length() < kFewestChannels) return std::nullopt;
  Fit fit(residual);
  int explained = 0;
  for (const std::int64_t row : rows) {
    if (row == 0 || residual.e(row) <= 1.0) continue;
    const double share = share_of_the_row_before(residual, row);
    if (!(share > 0.0 && share <= 1.0)) return std::nullopt;
    const auto truth = residual.truth(row), before = residual.got(row - 1);
    std::vector<double> mixed(truth.size());
    for (std::size_t c = 0; c < mixed.size(); ++c) mixed[c] = std::lerp(truth[c], before[c], share);
    if (!fit.takes(residual.nearness(row, mixed))) return std::nullopt;
    ++explained;
  }
  if (explained < kFewRows || !fit.is_clearly_nearer_than_truth()) return std::nullopt;
  return Finding{"not_cleared", region_text(residual) +
                                    " lie between their truth and what the row before holds: an accumulator goes on "
                                    "from there, and is not cleared"};
}

/// Other rows whose truth this row holds.
std::vector<std::int64_t> rows_that_fit(const Residual& residual, std::int64_t row) {
  std::vector<std::int64_t> found;
  for (std::int64_t other = 0; other < residual.rows(); ++other) {
    if (other != row && residual.misfit(row, residual.truth(other)) <= fitting_limit(residual)) found.push_back(other);
  }
  return found;
}

/// How many rows a search over all pairs of rows may look at.
constexpr std::int64_t kMostPairs = 1 << 16;

/// Every sampled outside row is another row's truth: says which index moved, and by how much if always alike.
std::optional<Finding> other_rows(const Residual& residual, const std::vector<std::int64_t>& rows) {
  if (static_cast<std::int64_t>(rows.size()) * residual.rows() > kMostPairs) return std::nullopt;
  std::map<std::size_t, std::size_t> moved_only;  // axis -> rows that a move along it alone explains
  std::map<std::int64_t, std::size_t> moved_by;   // distance in rows -> rows that it explains
  std::string example;
  std::size_t explained = 0;
  for (const std::int64_t row : rows) {
    if (residual.e(row) <= 1.0) continue;
    const auto others = rows_that_fit(residual, row);
    if (others.empty()) return std::nullopt;
    ++explained;
    const Shape here = residual.index(row);
    if (example.empty())
      example = fmt::format("{} holds {}", to_string(here), to_string(residual.index(others.front())));
    for (const std::int64_t other : others) ++moved_by[other - row];
    for (std::size_t axis = 0; axis < here.size(); ++axis) {
      moved_only[axis] += std::ranges::any_of(others, [&](std::int64_t other) {
        Shape there = residual.index(other);
        there[axis] = here[axis];
        return there == here;
      });
    }
  }
  if (explained < 2) return std::nullopt;  // one row looks like another now and then
  const auto names = axis_names(residual.stage());
  for (const auto& [axis, count] : moved_only) {
    if (count != explained || axis >= names.size()) continue;
    const std::string id = names[axis] == "head"     ? "heads_swapped"
                           : names[axis] == "sample" ? "batch_mixed"
                                                     : "rows_shifted";
    return Finding{id,
                   fmt::format("{} hold the truth of another {} ({})", region_text(residual), names[axis], example)};
  }
  const auto shift = std::ranges::find(moved_by, explained, [](const auto& by) { return by.second; });
  if (shift != moved_by.end() && !residual.is_sampled()) {
    return Finding{"rows_shifted", fmt::format("{} hold the row {:+} places on", region_text(residual), shift->first)};
  }
  return Finding{"rows_permuted", fmt::format("{} hold the truth of other rows ({})", region_text(residual), example)};
}

}  // namespace

std::vector<Finding> certain_facts(const Tensor& got, const Residual& residual) {
  if (auto finding = unwritten(got, residual)) return {*finding};
  if (auto finding = zeros(residual)) return {*finding};
  return {};
}

std::vector<Finding> certain_patterns(const Residual& residual, const std::vector<std::int64_t>& rows) {
  std::vector<Finding> found;
  if (auto finding = not_finite(residual)) found.push_back(*finding);
  if (auto finding = scaled(residual, rows)) found.push_back(*finding);
  if (auto finding = other_rows(residual, rows)) found.push_back(*finding);
  if (auto finding = not_cleared(residual, rows)) found.push_back(*finding);
  return found;
}

}  // namespace attest::harness::explain
