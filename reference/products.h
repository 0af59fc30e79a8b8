#pragma once

#include <omp.h>

#include "reference/xtensor.h"

// OpenBLAS's own switch; absent if another BLAS was linked.
extern "C" __attribute__((weak)) void openblas_set_num_threads(int count);

/// Products of matrices through BLAS; no operand is copied.
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

/// a [rows, n] b^T with b [columns, n].
template <class T>
Array<T> times_transposed(const Array<T>& a, const Array<T>& b) {
  auto product = Array<T>::from_shape({a.shape(0), b.shape(0)});
  const OneBlasThread here;
  xt::blas::gemm(a, b, product, false, true, T{1}, T{0});
  return product;
}

/// a [rows, n] b, or a b^T if b is `transposed`, a row of `a` at a time: the bits of a row do not depend on what other
/// rows stand beside it.
template <class T>
Array<T> rows_times(const Array<T>& a, const Array<T>& b, bool transposed) {
  auto product = Array<T>::from_shape({a.shape(0), b.shape(transposed ? 0 : 1)});
  const auto how = transposed ? cxxblas::Transpose::NoTrans : cxxblas::Transpose::Trans;
  const auto rows = static_cast<xt::blas_index_t>(b.shape(0)), columns = static_cast<xt::blas_index_t>(b.shape(1));
  const OneBlasThread here;
  for (std::size_t i = 0; i < a.shape(0); ++i) {
    cxxblas::gemv<xt::blas_index_t>(cxxblas::StorageOrder::RowMajor, how, rows, columns, T{1}, b.data(), columns,
                                    row(a, i).data(), xt::blas_index_t{1}, T{0}, row(product, i).data(),
                                    xt::blas_index_t{1});
  }
  return product;
}

}  // namespace attest::reference
