#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/explain/residual.h"
#include "harness/judge/judgement.h"
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
  /// It counts only in rows which the formula moves much farther than that.
  double slack = 0.0;
};
using Hypotheses = std::vector<Hypothesis>;

/// The rows of an array that was recomputed as a whole.
WrongRow rows_of(Array<double> wrong);

/// The findings of those hypotheses that the output fits, row by row, in the order given. The output must be as near to
/// the wrong formula as a correct kernel would be to the right one: within the budget, or within a few budgets where it
/// is far from the truth.
std::vector<Finding> those_that_fit(const Hypotheses& hypotheses, const Residual& residual,
                                    const std::vector<std::int64_t>& rows);

/// Up to how many budgets from a wrong formula still fits, given the residual's distance from the truth.
double fitting_limit(const Residual& residual);

}  // namespace attest::harness::explain
