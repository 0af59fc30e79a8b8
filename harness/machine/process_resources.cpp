#include "harness/machine/process_resources.h"

#include <omp.h>

#include <limits>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace attest::harness {

void set_threads(int count) { omp_set_num_threads(count); }

int threads() { return omp_get_max_threads(); }

void keep_freed_memory() {
#ifdef __GLIBC__
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
#endif
}

}  // namespace attest::harness
