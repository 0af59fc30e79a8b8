#pragma once

#include <omp.h>

// OpenBLAS's own switch; absent if another BLAS was linked.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int count);

namespace attest::reference {

/// While it lives, BLAS uses one thread: OpenBLAS's kernels for AVX2 give other bits when threads share a product.
/// Built with OpenMP, it takes as many threads as OpenMP would, and its switch is OpenMP's; so both are set, and
/// OpenMP's is put back.
class OneBlasThread {
 public:
  OneBlasThread() : before_(omp_get_max_threads()) {
    omp_set_num_threads(1);
    if (openblas_set_num_threads != nullptr) openblas_set_num_threads(1);
  }
  ~OneBlasThread() { omp_set_num_threads(before_); }
  OneBlasThread(const OneBlasThread&) = delete;
  OneBlasThread& operator=(const OneBlasThread&) = delete;

 private:
  int before_;
};

}  // namespace attest::reference
