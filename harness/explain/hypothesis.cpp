#include "harness/explain/hypothesis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

namespace attest::harness::explain {
namespace {

/// A wrong formula may lose a little more than the right one, for which the budget was derived...
constexpr double kNear = 4.0;
/// ... but its worst element must be this much nearer than the truth's.
constexpr double kClearlyNearer = 8.0;

std::optional<Fit> fit_of(const Hypothesis& hypothesis, const Residual& residual,
                          const std::vector<std::int64_t>& rows) {
  Fit fit(residual);
  for (const std::int64_t row : rows) {
    if (!fit.takes(residual.nearness(row, hypothesis.wrong(row), hypothesis.slack))) return std::nullopt;
  }
  if (!fit.is_clearly_nearer_than_truth()) return std::nullopt;
  return fit;
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

Fit::Fit(const Residual& residual) : limit_(fitting_limit(residual)), row_length_(residual.row_length()) {}

bool Fit::takes(const Nearness& row) {
  wrongs_ += row.wrongs;
  truths_ += row.truths;
  elements_ += row_length_;
  return row.worst <= limit_;
}

double Fit::rms() const { return std::sqrt(wrongs_ / static_cast<double>(std::max<std::size_t>(1, elements_))); }

double fitting_limit(const Residual& residual) { return std::clamp(residual.e() / kClearlyNearer, 1.0, kNear); }

std::vector<Fitting> those_that_fit(const Hypotheses& hypotheses, const Residual& residual,
                                    const std::vector<std::int64_t>& rows) {
  std::vector<Fitting> found;
  for (const auto& hypothesis : hypotheses) {
    if (const auto fit = fit_of(hypothesis, residual, rows)) found.push_back({hypothesis.finding, fit->rms()});
  }
  return found;
}

double not_clearly_beaten(double best) { return std::max(kRoundingNoise, std::sqrt(Fit::kMargin) * best); }

std::vector<Finding> best_of(const std::vector<Fitting>& fitting) {
  double best = std::numeric_limits<double>::infinity();
  for (const auto& one : fitting) best = std::min(best, one.rms);
  const double limit = not_clearly_beaten(best);
  std::vector<Finding> found;
  for (const auto& one : fitting) {
    const bool is_said = std::ranges::find(found, one.finding.sentence, &Finding::sentence) != found.end();
    if (one.rms <= limit && !is_said) found.push_back(one.finding);
  }
  return found;
}

}  // namespace attest::harness::explain
