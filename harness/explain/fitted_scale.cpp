#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <span>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

constexpr int kMostSteps = 24;
constexpr std::size_t kFittedRows = 4;

/// A kernel with its scale wrong by a factor, against what came out.
class FactorFit {
 public:
  FactorFit(const AttentionModel& right, const Residual& residual, std::span<const std::int64_t> rows)
      : right_(right), residual_(residual), rows_(rows) {}

  AttentionModel scaled(double factor) const {
    AttentionModel wrong = right_;
    wrong.scale = factor * right_.scale;
    return wrong;
  }

  /// Gauss-Newton for the factor's logarithm, whose sensitivity is a difference quotient.
  std::optional<double> factor() const {
    double at = 0.0;
    for (int step = 0; step < kMostSteps; ++step) {
      const double move = newton_move(at);
      if (!(std::fabs(move) <= std::numeric_limits<double>::max())) return std::nullopt;
      at += std::clamp(move, -kMostMove, kMostMove);
      if (std::fabs(move) <= kConverged) return std::exp(at);
    }
    return std::nullopt;
  }

 private:
  static constexpr double kProbe = 1e-6, kMostMove = 0.5, kConverged = 1e-9;

  double newton_move(double at) const {
    const AttentionModel here = scaled(std::exp(at)), probe = scaled(std::exp(at + kProbe));
    double along = 0.0, square = 0.0;
    for (const std::int64_t row : rows_) {
      const auto got = residual_.got(row);
      const std::vector<double> y = here.output(row), moved = probe.output(row);
      for (std::size_t c = 0; c < y.size(); ++c) {
        const double slope = (moved[c] - y[c]) / kProbe;
        along += slope * (got[c] - y[c]);
        square += slope * slope;
      }
    }
    return along / square;
  }

  const AttentionModel& right_;
  const Residual& residual_;
  std::span<const std::int64_t> rows_;
};

}  // namespace

std::vector<Fitting> fitted_scale_findings(const AttentionModel& right, const Residual& residual,
                                           const std::vector<std::int64_t>& rows) {
  const FactorFit fit(right, residual, std::span(rows).first(std::min(kFittedRows, rows.size())));
  const auto factor = fit.factor();
  if (!factor) return {};
  const Finding finding{"scale_factor", fmt::format("the scale is {:.6g} times what it should be", *factor)};
  return those_that_fit({hypothesis(finding, fit.scaled(*factor))}, residual, rows);
}

}  // namespace attest::harness::explain
