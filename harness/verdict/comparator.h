#pragma once

#include <cstdint>
#include <string>

#include "fixtures/tensor.h"
#include "reference/truth.h"

/// Element-wise comparison against a truth with an error budget: the arithmetic of every verdict.
namespace attest::harness {

struct Comparison {
  bool within = false;             ///< T0 and T1 hold for every judged element (and there is one)
  bool within_worst_case = false;  ///< the same with the worst-case bound
  double e = 0.0;                  ///< max |y - y*| / B over the judged elements; infinity where classes differ
  std::int64_t worst = -1;         ///< flat index of the element with the largest e; -1 if shapes differ
  double got = 0.0;                ///< ... its values
  double expected = 0.0;
  double budget = 0.0;
  std::int64_t judged = 0;   ///< elements that count
  std::int64_t outside = 0;  ///< of these, how many are outside their budget
  std::int64_t ill_conditioned_rows = 0;
  bool constant_truth = false;  ///< every judged element of the truth is the same (one non-zero element is not)
  bool has_power = false;       ///< an all-zero output would have been rejected
  bool never_written = false;   ///< the worst element still holds the payload of harness/verdict/unwritten.h
  std::string problem;          ///< why nothing could be compared: a wrong shape or dtype, an empty tensor
};

/// One element's e: |y - y*| / B for finite values, 0 for a matching class, infinity where the classes differ; the
/// truth's class is taken after rounding to `dtype`. A NaN or infinite budget rejects.
double share_of_budget(double got, double truth, double budget, DType dtype);

/// Compares `got` with the truth of the same shape.
///   T0: finite, NaN, +inf and -inf must match element by element; the truth's class is taken after rounding to
///   `dtype`,
///       which `got` must have. NaN on both sides is a match of classes, never evidence: such elements are not judged.
///   T1: |y - y*| <= B, in accept form, with B finite; B = 0 demands equality. -0 equals 0.
/// Rows whose condition is above reference::kIllConditionedLogit are counted and left out.
Comparison compare(const Tensor& got, const reference::StageTruth& truth, DType dtype);

/// Same shape, dtype and bits, except that -0 equals 0 and any NaN equals any NaN (T3). `expected` may be float64: it
/// is then rounded to the dtype of `got` first. The budget is zero everywhere.
Comparison compare_exactly(const Tensor& got, const Tensor& expected);

}  // namespace attest::harness
