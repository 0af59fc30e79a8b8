#include "harness/explain/hypothesis.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace attest::harness::explain {
namespace {

/// A wrong formula may lose a little more than the right one, for which the budget was derived...
constexpr double kNear = 4.0;
/// ... but it must be this much nearer than the truth.
constexpr double kClearlyNearer = 8.0;

/// The largest |a - b| relative to the largest magnitude of b.
double relative_distance(std::span<const double> a, std::span<const double> b) {
  double distance = 0.0, largest = 0.0;
  for (std::size_t c = 0; c < b.size(); ++c) {
    const double difference = std::fabs(a[c] - b[c]);
    if (!(difference <= distance)) distance = difference;  // keeps a NaN
    largest = std::max(largest, std::fabs(b[c]));
  }
  return distance / largest;
}

/// The row is nearer to `wrong` than the slack, and `wrong` is something else than the truth.
bool within_slack(const Residual& residual, std::int64_t row, const std::vector<double>& wrong, double slack) {
  return relative_distance(residual.got(row), wrong) <= slack &&
         relative_distance(residual.truth(row), wrong) > kClearlyNearer * slack;
}

bool fits(const Hypothesis& hypothesis, const Residual& residual, const std::vector<std::int64_t>& rows) {
  const double limit = fitting_limit(residual);
  return std::ranges::all_of(rows, [&](std::int64_t row) {
    const std::vector<double> wrong = hypothesis.wrong(row);
    if (residual.misfit(row, wrong) <= limit) return true;
    return hypothesis.slack > 0.0 && within_slack(residual, row, wrong, hypothesis.slack);
  });
}

}  // namespace

WrongRow rows_of(Array<double> wrong) {
  auto kept = std::make_shared<const Array<double>>(std::move(wrong));
  return [kept](std::int64_t row) {
    const std::size_t length = kept->shape().back();
    const double* first = kept->data() + static_cast<std::size_t>(row) * length;
    return std::vector<double>(first, first + length);
  };
}

double fitting_limit(const Residual& residual) { return std::clamp(residual.e() / kClearlyNearer, 1.0, kNear); }

std::vector<Finding> those_that_fit(const Hypotheses& hypotheses, const Residual& residual,
                                    const std::vector<std::int64_t>& rows) {
  std::vector<Finding> found;
  for (const auto& hypothesis : hypotheses) {
    if (fits(hypothesis, residual, rows)) found.push_back(hypothesis.finding);
  }
  return found;
}

}  // namespace attest::harness::explain
