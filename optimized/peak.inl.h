#pragma once

#include "optimized/tile_product.inl.h"

/// The measured peak of this target: as many independent chains of fused multiply-adds as the product's register tile.
namespace {

double run_peak(size_t steps, float* sink) noexcept {
  constexpr size_t kChains = kTileRows * kTileVecs;
  Vec sums[kChains];
  ATTEST_UNROLL for (size_t c = 0; c < kChains / 2; ++c) {
    sums[2 * c] = broadcast(float(2 * c));
    sums[2 * c + 1] = broadcast(float(2 * c + 1));
  }
  const Vec factor = load(sink), addend = load(sink + kWidth);
  for (size_t step = 0; step < steps; ++step) {
    ATTEST_UNROLL for (size_t c = 0; c < kChains / 2; ++c) {
      sums[2 * c] = fma(sums[2 * c], factor, addend);
      sums[2 * c + 1] = fma(sums[2 * c + 1], factor, addend);
    }
  }
  Vec total = zero();
  ATTEST_UNROLL for (size_t c = 0; c < kChains / 2; ++c) total = add(total, add(sums[2 * c], sums[2 * c + 1]));
  store(sink + 2 * kWidth, total);
  return 2.0 * double(kChains * kWidth) * double(steps);
}

}  // namespace
