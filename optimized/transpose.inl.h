#pragma once

#include "optimized/kernels.h"
#include "optimized/sequence.inl.h"

/// Packing rows into micro-panels [depth][rows], through square transposes in registers.
namespace {

/// One butterfly of a transpose: lanes with bit Step clear stay, the others change places between the two vectors.
template <size_t Step, size_t... Lane>
inline void exchange_lanes(Vec& upper, Vec& lower, Sequence<Lane...>) {
  const Vec a = upper, b = lower;
  upper = __builtin_shufflevector(a, b, (Lane & Step ? int(kWidth + Lane - Step) : int(Lane))...);
  lower = __builtin_shufflevector(a, b, (Lane & Step ? int(kWidth + Lane) : int(Lane + Step))...);
}

/// rows[i] lane j becomes rows[j] lane i.
template <size_t Step = kWidth / 2>
inline void transpose(Vec (&rows)[kWidth]) {
  ATTEST_UNROLL for (size_t i = 0; i < kWidth; ++i) {
    if ((i & Step) == 0) exchange_lanes<Step>(rows[i], rows[i + Step], CountUp<kWidth>::Type{});
  }
  if constexpr (Step > 1) transpose<Step / 2>(rows);
}

/// packed [depth][stride], its first `count` columns = scale * rows; count <= kWidth, and kTileRows is no more.
inline void pack_tile(const float* const* rows, size_t count, size_t depth, float scale, float* packed,
                      size_t stride) noexcept {
  const Vec factor = broadcast(scale);
  for (size_t first = 0; first < depth; first += kWidth) {
    const size_t n = depth - first < kWidth ? depth - first : kWidth;
    Vec block[kWidth];
    ATTEST_UNROLL for (size_t r = 0; r < kWidth; ++r) {
      block[r] = r < count ? multiply(load_first(rows[r] + first, n), factor) : zero();
    }
    transpose(block);
    for (size_t k = 0; k < n; ++k) store_first(packed + (first + k) * stride, block[k], count);
  }
}

}  // namespace
