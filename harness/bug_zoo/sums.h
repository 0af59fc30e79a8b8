#pragma once

#include <cmath>

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

inline void Sum::add(float a, float b) {
  switch (how_) {
    case Accumulation::plain:
      sum_ += a * b;
      break;
    case Accumulation::fused:
      sum_ = std::fma(a, b, sum_);
      break;
    case Accumulation::compensated: {
      const float term = a * b - lost_;
      const float next = sum_ + term;
      // An infinite sum has lost nothing that could be given back: inf - inf would make it NaN.
      lost_ = std::isfinite(next) ? (next - sum_) - term : 0;
      sum_ = next;
      break;
    }
    case Accumulation::in_double:
      wide_ += static_cast<double>(a) * static_cast<double>(b);
      break;
  }
}

inline void Sum::scale(float factor) {
  sum_ *= factor;
  lost_ *= factor;
  wide_ *= static_cast<double>(factor);
}

/// sum_k a_k b_k
float dot(const float* a, const float* b, std::int64_t count, const Design& design);

}  // namespace attest::bug_zoo
