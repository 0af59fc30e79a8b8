#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fixtures/case.h"
#include "optimized/attention_plan.h"
#include "optimized/block_rows.h"
#include "optimized/call_clock.h"
#include "optimized/portion.h"

namespace attest::optimized {

/// What each token of a call sees, made once a call. Causality, documents, and masks whose rows are each one run of
/// keys (causal in a cache, packed documents, windows) become runs, which cost O(s) and are never looked up again. Any
/// other mask is read where a tile of tokens sees part of a block of keys; blocks of which it sees nothing are skipped.
/// A mask is never copied or widened, but for the tiles of a BlockMask whose rows have holes.
class MaskMap {
 public:
  /// What one tile of tokens sees.
  struct Tile {
    std::span<const KeyRun> runs;  ///< of each token, or empty where it has no runs; then
    MaskRows rows;                 ///< what has to be looked up, of the kind none where nothing is hidden,
    std::size_t first_row = 0;     ///< the row of the tile's first token in it,
    const BlockVisibility* visibility = nullptr;  ///< and one entry a block of keys, or null without a mask
  };

  explicit MaskMap(const Execution<float>& execution) : execution_(execution), block_rows_(execution) {}

  /// The mask that the plan was made for. Throws InputError where a byte of a mask is neither 0 nor 1.
  void build(const Mask& mask, const AttentionPlan& plan, CallClock& clock);

  /// Of tokens of a sample, for its query heads from this one on.
  Tile tile(std::size_t sample, std::size_t head, std::size_t position) const;

 private:
  void set_causal();
  void set_documents(const Tensor& seq_lens);
  void expect_runs_only(std::size_t samples);
  void read(const Tensor& values, CallClock& clock);
  void read(const BlockMask& mask, CallClock& clock);
  enum class Row : unsigned char { run, holes, no_truth_values };
  void expect_tiles(std::size_t tiles);
  Range tokens_of(std::size_t tile) const;
  void read_tile(std::size_t mask, std::size_t tile);
  void read_block_tile(std::size_t mask, std::size_t tile);
  void write_tile_with_holes(std::size_t mask, std::size_t tile);
  Row read_row(const MaskRows& mask, std::size_t token, BlockVisibility* blocks, KeyRun& run) const;
  MaskRows rows(std::size_t mask) const;
  MaskRows rows_with_holes(std::size_t tile_index) const;

  const Execution<float>& execution_;
  std::size_t tokens_ = 0, keys_ = 0, tile_tokens_ = 0;
  MaskRows first_sample_;
  std::size_t samples_ = 0, heads_ = 1;      ///< that have masks of their own: each 1 where all see the same
  std::size_t sample_stride_ = 0;            ///< of a mask of values, 0 where there is one
  std::size_t tiles_ = 0, block_count_ = 0;  ///< tiles_ is 1 where one entry serves all
  std::vector<KeyRun> runs_;                 ///< [samples_][heads_][tokens]
  std::vector<Row> worst_row_;  ///< [samples_][heads_][tiles_]: runs serve a tile only if all its rows are runs
  std::vector<BlockVisibility> blocks_;  ///< [samples_][heads_][tiles_][block_count_]
  BlockRows block_rows_;                 ///< of a BlockMask; what its tiles with holes show:
  std::vector<unsigned char> flags_;     ///< [tiles with holes][tile_tokens_][keys_]
  std::vector<std::size_t> first_flag_;  ///< [samples_][heads_][tiles_]: of flags_, for a tile with holes
};

}  // namespace attest::optimized
