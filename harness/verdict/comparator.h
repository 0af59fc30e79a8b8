#pragma once

#include "fixtures/tensor.h"
#include "harness/verdict/comparison.h"
#include "reference/truth.h"

/// Element-wise comparison against a truth with an error budget: the arithmetic of every verdict.
namespace attest::harness {

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
