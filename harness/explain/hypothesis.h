#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/explain/residual.h"
#include "harness/verdict/judgement.h"
#include "reference/xtensor.h"

namespace attest::harness::explain {

template <class T>
using Array = reference::Array<T>;

/// One row of the stage as it would be if the hypothesis were true.
using WrongRow = std::function<std::vector<double>(std::int64_t row)>;

/// "The stage was computed by another formula": named, in words, and recomputed in float64.
struct Hypothesis {
  Finding finding;
  WrongRow wrong;
  /// Where the formula lives on float32's rounding errors, its own tolerance, relative to the row's largest magnitude.
  double slack = 0.0;
};
using Hypotheses = std::vector<Hypothesis>;

/// The rows of an array that was recomputed as a whole.
WrongRow rows_of(Array<double> wrong);

/// The evidence for a formula, gathered row by row.
class Fit {
 public:
  explicit Fit(const Residual& residual);

  /// False where the row rules the formula out: it is no nearer than a correct kernel would be to the right one.
  bool takes(const Nearness& row);
  /// Nearer than the truth by a margin that rounding noise does not reach: noise points nowhere, so no formula takes
  /// more of its square away than its share along one direction of many.
  bool is_clearly_nearer_than_truth() const { return kMargin * wrongs_ < truths_; }
  /// Root of the mean square of got - wrong, in budgets.
  double rms() const;

  static constexpr double kMargin = 4.0;  ///< in squares: half as far

 private:
  double limit_, wrongs_ = 0.0, truths_ = 0.0;
  std::size_t elements_ = 0, row_length_;
};

/// Below this, in budgets, what a formula leaves is rounding noise, and no measure of who is right.
inline constexpr double kRoundingNoise = 0.5;

/// A hypothesis that fits, and how well: Fit::rms.
struct Fitting {
  Finding finding;
  double rms;
};

/// Those that fit on all rows and clearly better than the truth does, in the order given.
std::vector<Fitting> those_that_fit(const Hypotheses& hypotheses, const Residual& residual,
                                    const std::vector<std::int64_t>& rows);

/// Up to which rms a rival of one with rms `best` is not clearly beaten.
double not_clearly_beaten(double best);

/// Those that no rival beats clearly, in the order given.
std::vector<Finding> best_of(const std::vector<Fitting>& fitting);

/// Up to how many budgets from a wrong formula still fits, given the residual's distance from the truth.
double fitting_limit(const Residual& residual);

}  // namespace attest::harness::explain
