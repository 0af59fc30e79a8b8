#include "harness/threads.h"

#include <omp.h>

// OpenBLAS's own switch; absent if another BLAS was linked.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int count);

namespace attest::harness {

void set_threads(int count) {
  omp_set_num_threads(count);
  if (openblas_set_num_threads != nullptr) openblas_set_num_threads(count);
}

int threads() { return omp_get_max_threads(); }

}  // namespace attest::harness
