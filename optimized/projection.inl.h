#pragma once

#include "optimized/kernels.h"
#include "optimized/tile_product.inl.h"
#include "optimized/transpose.inl.h"

/// Projections: packing rows, and the product of packed rows with weight panels.
namespace {

using BlockProduct = attest::optimized::BlockProduct<float>;

inline size_t smaller(size_t a, size_t b) { return a < b ? a : b; }

size_t packed_rows_size(size_t count, size_t depth) noexcept { return count * depth; }

/// Micro-panels of kTileRows rows (the last may have fewer), each [depth][rows in it].
void pack_rows(const float* rows, size_t row_stride, size_t count, size_t depth, float* packed) noexcept {
  for (size_t first = 0; first < count; first += kTileRows) {
    const size_t n = smaller(kTileRows, count - first);
    const float* sources[kTileRows];
    for (size_t r = 0; r < n; ++r) sources[r] = rows + (first + r) * row_stride;
    pack_tile(sources, n, depth, 1.0f, packed + first * depth, n);
  }
}

size_t panel_size(size_t depth) noexcept { return depth * kPanelWidth; }

/// One weight panel [depth][kPanelWidth] of `columns` rows of the weight; the columns beyond are left as they are.
void pack_panel(const float* rows, size_t row_stride, size_t columns, size_t depth, float* panel) noexcept {
  for (size_t first = 0; first < columns; first += kWidth) {
    const size_t n = smaller(kWidth, columns - first);
    const float* sources[kWidth];
    for (size_t r = 0; r < n; ++r) sources[r] = rows + (first + r) * row_stride;
    pack_tile(sources, n, depth, 1.0f, panel + first, kPanelWidth);
  }
}

/// One strip of one panel: all rows times depth [first, first + count). Meanwhile `following`, the strip read
/// afterwards, is fetched from memory in equal shares.
void multiply_strip(const BlockProduct& block, size_t panel, size_t first, size_t count,
                    const float* following) noexcept {
  const float* strip = block.panels + (panel * block.depth + first) * kPanelWidth;
  float* out = block.product + panel * block.rows * kPanelWidth;
  const size_t tiles = (block.rows + kTileRows - 1) / kTileRows;
  const size_t share = (kPanelWidth + tiles - 1) / tiles;
  for (size_t row = 0; row < block.rows; row += kTileRows) {
    const size_t n = smaller(kTileRows, block.rows - row);
    const float* rows = block.packed_rows + row * block.depth + first * n;
    multiply_packed_rows(n, {.rows = rows,
                             .panel = strip,
                             .depth = count,
                             .out = out + row * kPanelWidth,
                             .out_stride = kPanelWidth,
                             .accumulate = first != 0,
                             .next = rows + n * block.depth,
                             .later = following,
                             .later_stride = share});
    following += share * count;
  }
}

/// Loop order: blocks of depth, panels, row tiles; a strip of a panel stays in the first-level cache while the rows of
/// that depth stream past it from the second. Rows of which the second-level cache holds the whole depth: panels,
/// blocks of depth, row tiles, so that the weights are one stream. The sums are the same.
void multiply_block(const BlockProduct& block) noexcept {
  const size_t depth_block = block.depth_block;
  const size_t depth_blocks = (block.depth + depth_block - 1) / depth_block;
  const bool resident = block.rows * block.depth * sizeof(float) <= block.resident_bytes;
  const size_t strips = depth_blocks * block.panel_count;
  for (size_t step = 0; step < strips; ++step) {
    const size_t panel = resident ? step / depth_blocks : step % block.panel_count;
    const size_t first = (resident ? step % depth_blocks : step / block.panel_count) * depth_block;
    const size_t after = step + 1 < strips ? step + 1 : step;
    const size_t next_panel = resident ? after / depth_blocks : after % block.panel_count;
    const size_t next_first = (resident ? after % depth_blocks : after / block.panel_count) * depth_block;
    const float* following = block.panels + (next_panel * block.depth + next_first) * kPanelWidth;
    multiply_strip(block, panel, first, smaller(depth_block, block.depth - first), following);
  }
}

}  // namespace
