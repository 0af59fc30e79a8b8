#pragma once

#include <cstddef>
#include <vector>

#include "fixtures/case.h"
#include "optimized/kernels.h"

namespace attest::optimized {

/// What a call's mask shows to each tile of tokens in each block of keys, read once a call: blocks that a tile does not
/// see are skipped, blocks without anything hidden or added are computed without reading the mask again. The mask
/// itself is never copied or widened.
class MaskMap {
 public:
  explicit MaskMap(const KernelTable& kernels) : kernels_(kernels) {}

  /// `tile_tokens` consecutive tokens make a tile.
  void build(const Mask& mask, std::size_t tokens, std::size_t keys, std::size_t tile_tokens);

  MaskRows rows(std::size_t sample) const;
  /// One entry a key block, or null without a mask.
  const BlockVisibility* tile(std::size_t sample, std::size_t tile) const;

 private:
  BlockVisibility inspect(std::size_t sample, std::size_t tile, std::size_t block) const;

  const KernelTable& kernels_;
  MaskRows first_sample_;
  std::size_t samples_ = 0, sample_stride_ = 0;
  std::size_t tokens_ = 0, keys_ = 0, tile_tokens_ = 0;
  std::size_t tiles_ = 0, blocks_ = 0;  ///< tiles_ is 1 where every token has the same row
  std::vector<BlockVisibility> map_;    ///< [samples_][tiles_][blocks_]
};

}  // namespace attest::optimized
