#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "fixtures/case.h"
#include "optimized/attention_plan.h"
#include "optimized/block_rows.h"
#include "optimized/call_clock.h"

namespace attest::optimized {

/// What each token of a call sees, made once a call. Causality, documents, and masks whose rows are each one run of
/// keys (causal in a cache, packed documents, windows) become runs, which cost O(s) and are never looked up again. Any
/// other mask is read where a tile of tokens sees part of a block of keys; blocks of which it sees nothing are skipped.
/// The mask itself is never copied or widened; of a BlockMask, whoever attends a tile has its rows written out.
class MaskMap {
 public:
  /// What one tile of tokens sees.
  struct Tile {
    std::span<const KeyRun> runs;  ///< of each token, or empty where it has no runs; then
    std::size_t first_row = 0;     ///< of the first token in
    MaskRows rows;                 ///< what has to be looked up, of the kind none where nothing is hidden,
    const BlockVisibility* visibility = nullptr;  ///< and one entry a block of keys, or null without a mask
  };

  explicit MaskMap(const Execution<float>& execution) : execution_(execution) {}

  /// The mask that the plan was made for; a BlockMask is borrowed. Throws InputError where a byte of a bool mask is
  /// neither 0 nor 1.
  void build(const Mask& mask, const AttentionPlan& plan, CallClock& clock);

  /// Of the tile at this position of some query heads, of which `head` is one. `room` is where a BlockMask's rows may
  /// be written: tile_tokens x keys bytes.
  Tile tile(std::size_t sample, std::size_t head, std::size_t position, unsigned char* room) const;

 private:
  void set_causal();
  void set_documents(const Tensor& seq_lens);
  void expect_runs_only(std::size_t samples);
  void read(const Tensor& values, CallClock& clock);
  enum class Row : unsigned char { run, holes, no_truth_values };
  void read(const BlockMask& mask, CallClock& clock);
  void read_tiles(std::size_t bytes, CallClock& clock);
  void read_tile(std::size_t mask, std::size_t tile);
  /// What a row was seen to show so far.
  struct SeenRow {
    KeyRun run{0, 0};
    std::size_t visible = 0;
    bool adds = false, truth_values = true;

    Row form() const;
  };
  void read_row(std::size_t mask, std::size_t token, BlockVisibility* blocks, SeenRow& row) const;
  void read_blocks(std::size_t mask, std::size_t token, BlockVisibility* blocks, SeenRow& row) const;
  void note(const MaskScan& scan, std::size_t first_key, BlockVisibility* blocks, SeenRow& row) const;
  void write_rows(std::size_t mask, std::size_t tile, const BlockVisibility* blocks, unsigned char* room) const;
  /// Whether one row serves all tokens.
  bool one_row() const { return kind_ == Kind::rows && first_mask_.token_stride == 0; }
  std::size_t tokens_of(std::size_t tile) const { return std::min(tile_tokens_, tokens_ - tile * tile_tokens_); }
  MaskRows rows(std::size_t mask) const;

  const Execution<float>& execution_;
  std::size_t tokens_ = 0, keys_ = 0, tile_tokens_ = 0;
  enum class Kind { rows, blocks } kind_ = Kind::rows;  ///< whether a mask lies in its rows, as first_mask_ says
  MaskRows first_mask_;
  std::size_t mask_stride_ = 0;
  BlockRows block_rows_;
  std::size_t samples_ = 0, heads_ = 1;      ///< of masks: 1 where all see the same
  std::size_t tiles_ = 0, block_count_ = 0;  ///< tiles_ is 1 where one entry serves all
  std::vector<KeyRun> runs_;                 ///< [masks][tokens]
  std::vector<Row> worst_row_;               ///< [masks][tiles_]: runs serve a tile only if all its rows are runs
  std::vector<BlockVisibility> blocks_;      ///< [masks][tiles_][block_count_]
};

}  // namespace attest::optimized
