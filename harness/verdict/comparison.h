#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "fixtures/tensor.h"

namespace attest::harness {

/// The worst element of a tensor, by share of its error budget.
struct WorstElement {
  Shape index;
  double got = 0.0;
  double expected = 0.0;
  double budget = 0.0;
};

/// What comparing a tensor with its truth came to (harness/verdict/comparator.h).
struct Comparison {
  bool within = false;             ///< T0 and T1 hold for every judged element (and there is one)
  bool within_worst_case = false;  ///< the same with the worst-case bound
  double e =
      0.0;  ///< max |y - y*| / B over the judged elements, the share of the budget; infinity where classes differ
  std::optional<WorstElement> worst;  ///< the one with the largest e; none if shapes differ
  std::int64_t judged = 0;            ///< elements that count
  std::int64_t outside = 0;           ///< of these, outside the budget or of another class
  std::int64_t ill_conditioned_rows = 0;
  bool constant_truth = false;  ///< every judged element of the truth is the same (one non-zero element is not)
  bool has_power = false;       ///< an all-zero output would have been rejected
  bool never_written = false;   ///< the worst element still holds the payload of harness/verdict/unwritten.h
  std::string problem;          ///< why nothing could be compared: a wrong shape or dtype, an empty tensor
};

/// "[0, 3, 5]": the position of a flat, row-major index.
Shape unflatten(std::int64_t flat, const Shape& shape);

}  // namespace attest::harness
