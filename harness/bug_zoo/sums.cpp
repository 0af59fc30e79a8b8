#include "harness/bug_zoo/sums.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace attest::bug_zoo {

void Sum::add(float a, float b) {
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

void Sum::scale(float factor) {
  sum_ *= factor;
  lost_ *= factor;
  wide_ *= static_cast<double>(factor);
}

float dot(const float* a, const float* b, std::int64_t count, const Design& design) {
  std::vector<Sum> lanes(static_cast<std::size_t>(design.lanes), Sum(design.accumulation));
  for (std::int64_t k = 0; k < count; ++k) lanes[static_cast<std::size_t>(k % design.lanes)].add(a[k], b[k]);
  Sum total(design.accumulation);
  for (const Sum& lane : lanes) total.add(lane.value(), 1);
  return total.value();
}

}  // namespace attest::bug_zoo
