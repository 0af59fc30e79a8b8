#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "reference/truth.h"

/// Why did a stage fail? Each file here holds one family of hypotheses; explain.h asks them all.
namespace attest::harness::explain {

/// How near a row is to a wrong formula and, in the same units, to the truth.
struct Nearness {
  double worst = 0.0;  ///< the largest |got - wrong| in budgets; infinite where a class (finite, NaN, infinite) differs
  double wrongs = 0.0;  ///< sum over the elements of its square
  double truths = 0.0;  ///< the same for |got - truth|
};

/// A failed stage row by row (rows of the last axis), in float64.
class Residual {
 public:
  /// `got` and `truth` have the same shape and at least one element; `truth` must outlive this. Of a sampled attention
  /// [tokens, n_h, h_d] or output [tokens, out] `tokens` says which tokens they are.
  Residual(Stage stage, const Tensor& got, const reference::StageTruth& truth, std::span<const TokenIndex> tokens = {});

  Stage stage() const { return stage_; }
  const Shape& shape() const { return shape_; }
  bool is_sampled() const { return !tokens_.empty(); }
  /// Where a row is in the whole stage: on all axes but the last.
  Shape index(std::int64_t row) const;
  DType dtype() const { return dtype_; }
  std::int64_t rows() const { return static_cast<std::int64_t>(e_of_row_.size()); }
  std::size_t row_length() const { return length_; }
  std::span<const double> got(std::int64_t row) const { return row_of(got_, row); }
  std::span<const double> truth(std::int64_t row) const { return row_of(truth_.value.as<double>(), row); }
  std::span<const double> budget(std::int64_t row) const { return row_of(truth_.budget.as<double>(), row); }

  /// Not where the row's condition is beyond what a budget can be derived for.
  bool is_judged(std::int64_t row) const;

  double e() const { return e_; }
  double e(std::int64_t row) const { return e_of_row_[static_cast<std::size_t>(row)]; }
  /// Whether the element is outside its budget or of another class; never in an ill-conditioned row.
  bool is_outside(std::int64_t row, std::size_t column) const { return outside_[flat(row, column)]; }
  const std::vector<std::int64_t>& outside_rows() const { return outside_rows_; }

  /// At most `most` rows on which a hypothesis is tested: evenly spread ones of those outside, then of those inside,
  /// which a right hypothesis leaves as they are.
  std::vector<std::int64_t> sample(std::size_t most) const;

  /// In units of the budget, which grows with the magnitude of `wrong` (a row of zeros, which has none, gets what other
  /// rows have). `slack` is what a formula adds to it: its own tolerance, relative to its largest magnitude.
  Nearness nearness(std::int64_t row, std::span<const double> wrong, double slack = 0.0) const;
  double misfit(std::int64_t row, std::span<const double> wrong) const { return nearness(row, wrong).worst; }

 private:
  std::size_t flat(std::int64_t row, std::size_t column) const {
    return static_cast<std::size_t>(row) * length_ + column;
  }
  std::span<const double> row_of(std::span<const double> values, std::int64_t row) const {
    return values.subspan(flat(row, 0), length_);
  }
  void judge_row(std::int64_t row);
  void note_relative_budget(std::int64_t row);

  Stage stage_;
  const reference::StageTruth& truth_;
  std::vector<TokenIndex> tokens_;
  Shape shape_;
  DType dtype_;
  std::size_t length_;
  std::vector<double> got_;
  std::vector<bool> outside_;
  std::vector<double> e_of_row_;
  std::vector<std::int64_t> outside_rows_, inside_rows_;
  double e_ = 0.0;
  double relative_budget_ = 0.0;  ///< the largest budget relative to its row's magnitude
};

}  // namespace attest::harness::explain
