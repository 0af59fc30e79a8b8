#include "optimized/blocking.h"

#include <algorithm>

#ifdef __linux__
#include <unistd.h>
#endif

namespace attest::optimized {
namespace {

/// Where the size is not known, and bounds for what a virtual machine may say.
constexpr std::size_t kLikely = std::size_t{512} << 10, kLeast = std::size_t{128} << 10, kMost = std::size_t{4} << 20;

}  // namespace

Blocking blocking_for(std::size_t tile_rows, std::size_t attention_rows, std::size_t second_level_bytes) {
  const std::size_t bytes = second_level_bytes == 0 ? kLikely : std::clamp(second_level_bytes, kLeast, kMost);
  Blocking blocking;
  blocking.attention_rows = attention_rows;
  // Two fifths of the cache: what is fetched ahead, and what finishes the block, passes through the rest.
  const std::size_t bytes_a_row = (blocking.group_columns + blocking.depth_block) * sizeof(float);
  blocking.block_rows = std::max(bytes * 2 / 5 / bytes_a_row / tile_rows, std::size_t{1}) * tile_rows;
  blocking.resident_bytes = bytes * 3 / 8;
  return blocking;
}

std::size_t second_level_cache() {
#ifdef _SC_LEVEL2_CACHE_SIZE
  return static_cast<std::size_t>(std::max(::sysconf(_SC_LEVEL2_CACHE_SIZE), 0L));
#else
  return 0;
#endif
}

}  // namespace attest::optimized
