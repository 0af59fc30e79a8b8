#include "harness/bug_zoo/sums.h"

namespace attest::bug_zoo {

float dot(const float* a, const float* b, std::int64_t count, const Design& design) {
  Sum total(design.accumulation);
  for (std::int64_t lane = 0; lane < design.lanes; ++lane) {
    Sum sum(design.accumulation);
    for (std::int64_t k = lane; k < count; k += design.lanes) sum.add(a[k], b[k]);
    total.add(sum.value(), 1);
  }
  return total.value();
}

}  // namespace attest::bug_zoo
