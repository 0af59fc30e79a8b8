#pragma once

#include <cstddef>

#include "fixtures/case.h"
#include "optimized/execution.h"
#include "optimized/portion.h"

namespace attest::optimized {

/// What a call's mask is, told without reading it.
enum class MaskClass { everything, causal, documents, blocks, boolean, additive };
MaskClass class_of(const Mask& mask, bool is_causal);
/// Whether the query heads of a sample have masks of their own.
bool differs_by_head(const Mask& mask);

/// Attention in numbers.
struct AttentionShape {
  std::size_t samples, tokens, num_heads, num_kv_heads, head_dim;
  std::size_t keys;             ///< slots read
  std::size_t empty_slots = 0;  ///< further visible slots, zero in key and value
  MaskClass mask;
  bool mask_per_head;  ///< then a tile has one query head
  double score_scale;  ///< of either sign
};

/// How it is cut into tiles of (sample, key/value head, tokens), or of a query head each where their
/// masks differ; where there are few tiles and many keys, the keys are
/// split as well. The cut depends on the shapes only, so the bits depend neither on the threads nor on how much is
/// attended at a time.
struct AttentionPlan {
  AttentionPlan(const AttentionShape& shape, const Execution<float>& execution);

  /// Tile = (((sample - samples.first) * heads.count + head - heads.first) * group / tile_heads + member) * token_tiles
  /// + position.
  std::size_t tiles(const Portion& portion) const;
  int threads(const Portion& portion) const;
  /// Floats that this portion needs: of each thread its tile, then the partial results. Also for any smaller portion,
  /// and where some of the empty slots are filled.
  std::size_t workspace(const Portion& portion) const;

  AttentionShape shape;
  int all_threads;
  std::size_t group;       ///< query heads of one key/value head
  std::size_t tile_heads;  ///< of them in a tile: all, or one
  std::size_t tile_tokens, token_tiles;
  std::size_t part_keys;
  std::size_t parts, most_parts;  ///< key ranges a tile (1: not split), and with every slot filled
  std::size_t partial_floats;     ///< of one part of one tile
  std::size_t thread_floats;      ///< of the tile that a thread works on
  float score_scale, to_log2;     ///< AttentionTile
};

}  // namespace attest::optimized
