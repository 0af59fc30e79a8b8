#pragma once

#include "optimized/kernels.h"
#include "optimized/sequence.inl.h"

/// The register tile every product is made of: up to kTileRows rows times one panel, sums kept in registers.
///
/// Loop order: depth outermost; per step the panel's columns are loaded once and each row's element is broadcast into a
/// register (an embedded broadcast would double the loads). Sums start at zero and are added to the output at the end,
/// so blocks of depth are summed apart. The loops over the tile must be unrolled or the sums live in memory; fewer rows
/// are an instantiation of their own. Every element is one chain of fused multiply-adds over the depth: the result
/// depends on neither the row's place in a tile nor the number of rows.
namespace {

constexpr size_t kPanelWidth = kTileVecs * kWidth;
constexpr size_t kLine = 16;  // floats in a cache line

struct TileOperands {
  const float* rows;
  const float* panel;
  size_t depth;
  float* out;
  size_t out_stride;
  bool accumulate;
  /// What will be read soon. In each step of depth one cache line from `next` is fetched into the first-level cache and
  /// one from `later` into the second-level cache (two where few rows leave the time).
  const float* next = nullptr;
  const float* later = nullptr;
  size_t later_stride = 0;  ///< floats a step
};

/// Element (row, k) is at rows[row * RowStep + k * DepthStep].
template <size_t Rows, size_t RowStep, size_t DepthStep>
void tile_product(const TileOperands& t) noexcept {
  Vec sums[Rows][kTileVecs];
  ATTEST_UNROLL for (size_t r = 0; r < Rows; ++r) {
    ATTEST_UNROLL for (size_t v = 0; v < kTileVecs; ++v) sums[r][v] = zero();
  }
  const float* element = t.rows;
  const float* panel = t.panel;
  const float *next = t.next, *later = t.later;
  const size_t later_stride = t.later_stride;
  for (size_t k = 0; k < t.depth; ++k) {
    Vec columns[kTileVecs];
    ATTEST_UNROLL for (size_t v = 0; v < kTileVecs; ++v) columns[v] = load(panel + v * kWidth);
    prefetch(next);
    prefetch_far(later);
    if constexpr (Rows < kTileRows && kPanelWidth > kLine) prefetch_far(later + kLine);
    ATTEST_UNROLL for (size_t r = 0; r < Rows; ++r) {
      const Vec x = broadcast(element[r * RowStep]);
      ATTEST_UNROLL for (size_t v = 0; v < kTileVecs; ++v) sums[r][v] = fma(x, columns[v], sums[r][v]);
    }
    element += DepthStep;
    panel += kPanelWidth;
    next += kLine;
    later += later_stride;
  }
  float* out = t.out;
  const size_t out_stride = t.out_stride;
  if (t.accumulate) {
    ATTEST_UNROLL for (size_t r = 0; r < Rows; ++r) {
      ATTEST_UNROLL for (size_t v = 0; v < kTileVecs; ++v) {
        float* sum = out + r * out_stride + v * kWidth;
        store(sum, add(load(sum), sums[r][v]));
      }
    }
  } else {
    ATTEST_UNROLL for (size_t r = 0; r < Rows; ++r) {
      ATTEST_UNROLL for (size_t v = 0; v < kTileVecs; ++v) store(out + r * out_stride + v * kWidth, sums[r][v]);
    }
  }
}

using TileFunction = void (*)(const TileOperands&) noexcept;

/// Functions for 1 .. kTileRows rows, at [rows - 1]. Packed rows lie [depth][rows]; weights lie [row][kKeyBlock].
template <class Indices>
struct TileFunctions;
template <size_t... Index>
struct TileFunctions<Sequence<Index...>> {
  static constexpr TileFunction kPackedRows[] = {tile_product<Index + 1, 1, Index + 1>...};
  static constexpr TileFunction kWeightRows[] = {tile_product<Index + 1, attest::optimized::kKeyBlock, 1>...};
};
using Tiles = TileFunctions<CountUp<kTileRows>::Type>;

inline void multiply_packed_rows(size_t rows, const TileOperands& t) noexcept { Tiles::kPackedRows[rows - 1](t); }
inline void multiply_weight_rows(size_t rows, const TileOperands& t) noexcept { Tiles::kWeightRows[rows - 1](t); }

}  // namespace
