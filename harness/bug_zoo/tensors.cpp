#include "harness/bug_zoo/tensors.h"

#include <algorithm>

namespace attest::bug_zoo {

Buffer with_middle_axes_swapped(const DLTensor& tensor) {
  const std::int64_t b = extent(tensor, 0), m = extent(tensor, 1), n = extent(tensor, 2), h_d = extent(tensor, 3);
  Buffer swapped({b, n, m, h_d});
  float* to = swapped.data();
  for (std::int64_t sample = 0; sample < b; ++sample) {
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t i = 0; i < m; ++i) {
        to = std::copy_n(elements(tensor) + ((sample * m + i) * n + j) * h_d, h_d, to);
      }
    }
  }
  return swapped;
}

}  // namespace attest::bug_zoo
