#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fixtures/case.h"
#include "optimized/call_clock.h"
#include "optimized/kernels.h"

namespace attest::optimized {

/// What each token of a call sees, made once a call. Causality, documents, and masks whose rows are each one run of
/// keys (causal in a cache, packed documents, windows) become runs, which cost O(s) and are never looked up again. Any
/// other mask is read where a tile of tokens sees part of a block of keys; blocks of which it sees nothing are skipped.
/// The mask itself is never copied or widened.
class MaskMap {
 public:
  struct Shape {
    std::size_t samples, tokens, keys;
    std::size_t tile_tokens;  ///< so many consecutive tokens make a tile
  };

  explicit MaskMap(const KernelTable& kernels) : kernels_(kernels) {}

  /// Throws InputError where a byte of a bool mask is neither 0 nor 1.
  void build(const Mask& mask, bool is_causal, const Shape& shape, CallClock& clock);

  /// Of each token of the tile, or empty where it has no runs.
  std::span<const KeyRun> runs(std::size_t sample, std::size_t tile) const;
  /// What has to be looked up where a tile has no runs; of the kind none where nothing is hidden.
  MaskRows rows(std::size_t sample) const;
  /// One entry a key block of a tile that has no runs, or null without a mask.
  const BlockVisibility* blocks(std::size_t sample, std::size_t tile) const;

 private:
  void set_causal();
  void set_documents(const Tensor& seq_lens);
  void expect_runs_only(std::size_t samples);
  void read(const Tensor& values, CallClock& clock);
  enum class Row : unsigned char { run, holes, no_truth_values };
  void read_tile(std::size_t sample, std::size_t tile);
  Row read_row(std::size_t sample, std::size_t token, BlockVisibility* blocks, KeyRun& run) const;
  std::size_t tile_index(std::size_t sample, std::size_t tile) const;

  const KernelTable& kernels_;
  Shape shape_{};
  MaskRows first_sample_;
  std::size_t samples_ = 0, sample_stride_ = 0;  ///< samples_ is 1 where all see the same
  std::size_t tiles_ = 0, block_count_ = 0;      ///< tiles_ is 1 where one entry serves all
  std::vector<KeyRun> runs_;                     ///< [samples_][tokens]
  std::vector<Row> worst_row_;           ///< [samples_][tiles_]: runs serve a tile only if all its rows are runs
  std::vector<BlockVisibility> blocks_;  ///< [samples_][tiles_][block_count_]
};

}  // namespace attest::optimized
