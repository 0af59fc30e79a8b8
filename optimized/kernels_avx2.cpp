#include "optimized/vec_avx2.h"

#include "optimized/kernel_source.inl.h"

namespace attest::optimized {

const KernelTable& avx2_kernels() noexcept { return kKernels; }

}  // namespace attest::optimized
