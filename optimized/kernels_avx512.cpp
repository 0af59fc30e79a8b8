#include "optimized/vec_avx512.h"

#include "optimized/kernel_source.inl.h"

namespace attest::optimized {

const KernelTable& avx512_kernels() noexcept { return kKernels; }

}  // namespace attest::optimized
