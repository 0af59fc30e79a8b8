#pragma once

#include <stddef.h>

/// How work is cut into blocks that the caches hold. The register tile is the target's own (vec_<target>.h). Targets
/// compile this header too, through kernels.h: plain structs only.
namespace attest::optimized {

/// Keys are visited in blocks of this many; the visibility of a mask is known for each block. The register tile is
/// compiled for it: it is the distance of its rows of scores.
inline constexpr size_t kKeyBlock = 256;

struct Blocking {
  // Where sums are cut. Fixed for a target: its bits must not depend on the caches of the machine.

  /// Depth that is summed in registers; its strip of a panel (16 KiB at 32 columns) leaves room in any first-level
  /// cache.
  size_t depth_block = 128;
  size_t part_keys = 8 * kKeyBlock;  ///< keys of one part where the keys are split; a multiple of kKeyBlock
  size_t few_tiles = 16;             ///< with fewer tiles of attention than this, keys are split
  size_t attention_rows = 0;         ///< query rows of one tile; a larger group makes a tile of its own

  // What a cache holds at a time. No bit depends on it.

  size_t group_columns = 256;  ///< columns that a thread computes and finishes at a time
  size_t block_rows = 0;       ///< rows of one block: its product and one strip of its packed rows stay in the cache
  size_t packed_blocks = 2;    ///< blocks whose rows are packed together; the workspace holds no more
  size_t resident_bytes = 0;   ///< of rows of which the cache holds the whole depth
  size_t key_value_bytes = size_t{32} << 20;  ///< keys and values, with queries, that a call without a cache holds
};

/// For a register tile of `tile_rows` rows, tiles of `attention_rows` query rows, and a second-level cache of so many
/// bytes (0: not known; it is then taken for 512 KiB).
Blocking blocking_for(size_t tile_rows, size_t attention_rows, size_t second_level_bytes);

/// Of this machine in bytes, or 0 where the system does not tell.
size_t second_level_cache();

}  // namespace attest::optimized
