#include "optimized/vec_scalar.h"

#include "optimized/kernel_source.inl.h"

namespace attest::optimized {

const KernelTable& scalar_kernels() noexcept { return kKernels; }

}  // namespace attest::optimized
