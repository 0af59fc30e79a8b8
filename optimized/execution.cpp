#include "optimized/execution.h"

#include <string>

#include "fixtures/require.h"
#include "optimized/kernel_tables.h"
#include "optimized/threads.h"

namespace attest::optimized {
namespace {

int threads_of(const Resources& resources) {
  require(resources.threads >= 0, "threads", "0 (all) or more", std::to_string(resources.threads));
  return resources.threads > 0 ? resources.threads : usable_cores();
}

Blocking checked(const Blocking& blocking) {
  require(blocking.depth_block > 0, "depth_block", "1 or more", "0");
  require(blocking.part_keys > 0 && blocking.part_keys % kKeyBlock == 0, "part_keys",
          "a multiple of " + std::to_string(kKeyBlock), std::to_string(blocking.part_keys));
  return blocking;
}

}  // namespace

Blocking default_blocking(Target target) {
  static const std::size_t cache = second_level_cache();  // asking takes as long as a small call
  const KernelTable& kernels = kernels_of(target);
  return blocking_for(kernels.tile_rows, kernels.attention_rows, cache);
}

template <>
Execution<float>::Execution(Target target, const Resources& resources)
    : kernels(kernels_of(target)),
      blocking(resources.blocking ? checked(*resources.blocking) : default_blocking(target)),
      threads(threads_of(resources)) {}

}  // namespace attest::optimized
