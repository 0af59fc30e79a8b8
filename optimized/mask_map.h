#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fixtures/case.h"
#include "optimized/attention_plan.h"
#include "optimized/call_clock.h"

namespace attest::optimized {

/// What each token of a call sees, made once a call. Causality, documents, and masks whose rows are each one run of
/// keys (causal in a cache, packed documents, windows) become runs, which cost O(s) and are never looked up again. Any
/// other mask is read where a tile of tokens sees part of a block of keys; blocks of which it sees nothing are skipped.
/// The mask itself is never copied or widened.
class MaskMap {
 public:
  /// What one tile of tokens sees.
  struct Tile {
    std::span<const KeyRun> runs;  ///< of each token, or empty where it has no runs; then
    MaskRows rows;                 ///< what has to be looked up, of the kind none where nothing is hidden,
    const BlockVisibility* visibility = nullptr;  ///< and one entry a block of keys, or null without a mask
  };

  explicit MaskMap(const Execution<float>& execution) : execution_(execution) {}

  /// The mask that the plan was made for. Throws InputError where a byte of a bool mask is neither 0 nor 1.
  void build(const Mask& mask, const AttentionPlan& plan, CallClock& clock);

  Tile tile(std::size_t sample, std::size_t position) const;

 private:
  void set_causal();
  void set_documents(const Tensor& seq_lens);
  void expect_runs_only(std::size_t samples);
  void read(const Tensor& values, CallClock& clock);
  enum class Row : unsigned char { run, holes, no_truth_values };
  void read_tile(std::size_t sample, std::size_t tile);
  Row read_row(std::size_t sample, std::size_t token, BlockVisibility* blocks, KeyRun& run) const;
  MaskRows rows(std::size_t sample) const;
  std::size_t tile_index(std::size_t sample, std::size_t tile) const;

  const Execution<float>& execution_;
  std::size_t tokens_ = 0, keys_ = 0, tile_tokens_ = 0;
  MaskRows first_sample_;
  std::size_t samples_ = 0, sample_stride_ = 0;  ///< samples_ is 1 where all see the same
  std::size_t tiles_ = 0, block_count_ = 0;      ///< tiles_ is 1 where one entry serves all
  std::vector<KeyRun> runs_;                     ///< [samples_][tokens]
  std::vector<Row> worst_row_;           ///< [samples_][tiles_]: runs serve a tile only if all its rows are runs
  std::vector<BlockVisibility> blocks_;  ///< [samples_][tiles_][block_count_]
};

}  // namespace attest::optimized
