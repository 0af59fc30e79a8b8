#pragma once

#include <cstddef>

#include "fixtures/case.h"
#include "optimized/execution.h"
#include "optimized/portion.h"

namespace attest::optimized {

/// What a call's mask is, told without reading it.
enum class MaskClass { everything, causal, documents, blocks, boolean, additive };
MaskClass class_of(const Mask& mask, bool is_causal);
/// Heads that have a mask of their own; 1 where all have the same.
std::size_t heads_of(const Mask& mask);

/// Attention in numbers.
struct AttentionShape {
  std::size_t samples, tokens, num_heads, num_kv_heads, head_dim;
  std::size_t keys;             ///< slots read
  std::size_t empty_slots = 0;  ///< further visible slots, zero in key and value
  MaskClass mask;
  double score_scale;          ///< of either sign
  std::size_t mask_heads = 1;  ///< heads_of
};

/// How it is cut into tiles of (sample, heads, tokens): the query heads of one key/value head, or, where each has its
/// own mask, one of them; where there are few tiles and many keys, the keys are
/// split as well. The cut depends on the shapes only, so the bits depend neither on the threads nor on how much is
/// attended at a time.
struct AttentionPlan {
  AttentionPlan(const AttentionShape& shape, const Execution<float>& execution);

  /// Tile = (((sample - samples.first) * heads.count + head - heads.first) * head_tiles + first query head of the group
  /// / tile_heads) * token_tiles + position.
  std::size_t tiles(const Portion& portion) const;
  int threads(const Portion& portion) const;
  /// Floats that this portion needs: of each thread its tile, then the partial results. Also for any smaller portion,
  /// and where some of the empty slots are filled.
  std::size_t workspace(const Portion& portion) const;

  AttentionShape shape;
  int all_threads;
  std::size_t group;                   ///< query heads of one key/value head
  std::size_t tile_heads, head_tiles;  ///< of those: of one tile, and tiles a group
  std::size_t tile_tokens, token_tiles;
  std::size_t part_keys;
  std::size_t parts, most_parts;  ///< key ranges a tile (1: not split), and with every slot filled
  std::size_t partial_floats;     ///< of one part of one tile
  std::size_t tile_floats;        ///< of the tile that a thread works on
  std::size_t thread_floats;      ///< the same, and of the mask written out for it: tile_tokens x keys bytes
  float score_scale, to_log2;     ///< AttentionTile
};

}  // namespace attest::optimized
