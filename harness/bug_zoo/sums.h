#pragma once

#include "harness/bug_zoo/recipe.h"

namespace attest::bug_zoo {

/// A running sum of products, kept in the way of a design.
class Sum {
 public:
  explicit Sum(Accumulation how) : how_(how) {}

  void add(float a, float b);
  void scale(float factor);
  float value() const { return how_ == Accumulation::in_double ? static_cast<float>(wide_) : sum_; }

 private:
  Accumulation how_;
  float sum_ = 0;
  float lost_ = 0;  ///< Kahan: what the last additions rounded away
  double wide_ = 0;
};

/// sum_k a_k b_k
float dot(const float* a, const float* b, std::int64_t count, const Design& design);

}  // namespace attest::bug_zoo
