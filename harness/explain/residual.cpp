#include "harness/explain/residual.h"

#include <algorithm>
#include <cmath>

#include "harness/verdict/comparator.h"
#include "harness/verdict/judgement.h"
#include "reference/error_budget.h"

namespace attest::harness::explain {
namespace {

/// The largest finite magnitude.
double largest_of(std::span<const double> values) {
  double largest = 0.0;
  for (const double value : values) {
    if (std::isfinite(value)) largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

/// `count` of `rows`, evenly spread.
void add_spread(std::vector<std::int64_t>& to, const std::vector<std::int64_t>& rows, std::size_t count) {
  count = std::min(count, rows.size());
  for (std::size_t i = 0; i < count; ++i) to.push_back(rows[i * rows.size() / count]);
}

}  // namespace

Residual::Residual(Stage stage, const Tensor& got, const reference::StageTruth& truth,
                   std::span<const TokenIndex> tokens)
    : stage_(stage),
      truth_(truth),
      tokens_(tokens.begin(), tokens.end()),
      shape_(got.shape()),
      dtype_(got.dtype()),
      length_(static_cast<std::size_t>(got.rank() == 0 ? 1 : got.shape().back())),
      got_(to_doubles(got)),
      outside_(got_.size()),
      e_of_row_(got_.size() / length_) {
  for (std::int64_t row = 0; row < rows(); ++row) {
    judge_row(row);
    note_relative_budget(row);
  }
  constexpr double kHalfUlps = 16;  // about what a row uses that has a budget
  if (relative_budget_ == 0.0) relative_budget_ = kHalfUlps * reference::half_ulp(1.0, dtype_);
}

Shape Residual::index(std::int64_t row) const {
  Shape rows(shape_.begin(), shape_.end() - 1);
  Shape index = unflatten(row, rows);
  if (!is_sampled()) return index;
  const auto& [sample, token] = tokens_[static_cast<std::size_t>(index.front())];
  index.front() = sample;
  index.push_back(token);
  return index;
}

void Residual::note_relative_budget(std::int64_t row) {
  const double size = largest_of(truth(row)), limit = largest_of(budget(row));
  // Beside a subnormal truth any budget is large.
  if (size > reference::kUnitRoundoff) relative_budget_ = std::max(relative_budget_, limit / size);
}

bool Residual::is_judged(std::int64_t row) const {
  if (truth_.condition.size() == 0) return true;
  return truth_.condition.as<double>()[static_cast<std::size_t>(row)] <= reference::kIllConditionedLogit;
}

void Residual::judge_row(std::int64_t row) {
  if (!is_judged(row)) return;
  const auto at = static_cast<std::size_t>(row);
  const auto y = got(row), wanted = truth(row), limit = budget(row);
  for (std::size_t c = 0; c < length_; ++c) {
    const double e = share_of_budget(y[c], wanted[c], limit[c], dtype_);
    e_of_row_[at] = std::max(e_of_row_[at], e);
    outside_[flat(row, c)] = !(e <= 1.0);
  }
  e_ = std::max(e_, e_of_row_[at]);
  (e_of_row_[at] <= 1.0 ? inside_rows_ : outside_rows_).push_back(row);
}

std::vector<std::int64_t> Residual::sample(std::size_t most) const {
  std::vector<std::int64_t> rows;
  add_spread(rows, outside_rows_, std::max<std::size_t>(1, 2 * most / 3));
  if (rows.size() < most) add_spread(rows, inside_rows_, most - rows.size());
  return rows;
}

Nearness Residual::nearness(std::int64_t row, std::span<const double> wrong, double slack) const {
  const auto y = got(row), wanted = truth(row), limit = budget(row);
  const double size = largest_of(wanted), wrong_size = largest_of(wrong);
  const double growth = size > 0 ? std::max(1.0, wrong_size / size) : 1.0;
  const double of_zeros = size > 0 ? 0.0 : relative_budget_ * wrong_size;
  Nearness result;
  for (std::size_t c = 0; c < length_; ++c) {
    const double rounding = 4 * reference::half_ulp(wrong[c], dtype_);
    const double unit = limit[c] * growth + of_zeros + rounding + slack * wrong_size;
    const double to_wrong = share_of_budget(y[c], wrong[c], unit, dtype_);
    const double to_truth = share_of_budget(y[c], wanted[c], unit, dtype_);
    result.worst = std::max(result.worst, to_wrong);
    result.wrongs += to_wrong * to_wrong;
    result.truths += to_truth * to_truth;
  }
  return result;
}

}  // namespace attest::harness::explain
