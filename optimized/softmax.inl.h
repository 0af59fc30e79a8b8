#pragma once

#include "optimized/exp2.inl.h"
#include "optimized/mask.inl.h"

/// The online softmax (Milakov and Gimelshein 2018; FlashAttention-2): weights are exp(score - reference), where the
/// reference is a maximum seen so far. It is raised, and what was summed rescaled, only when a block exceeds it by more
/// than kSlack: until then no weight exceeds exp(kSlack). Numbers relative to one reference are as precise as relative
/// to another.
namespace {

constexpr float kSlack = 8.0f;

/// The running state of one query row.
struct SoftmaxRow {
  float* reference;
  float* sums;  ///< kWidth partial sums of the weights
  float* out;   ///< product panels [head_dim / width][row_stride floats apart]
  size_t panels;
  size_t panel_stride;
  float to_log2;
};

inline float largest_of(const float* scores, size_t count) noexcept {
  Vec a = broadcast(kHidden), b = a;
  size_t key = 0;
  for (; key + 2 * kWidth <= count; key += 2 * kWidth) {
    a = maximum(load(scores + key), a);
    b = maximum(load(scores + key + kWidth), b);
  }
  if (key < count) a = maximum(load(scores + key), a);
  return maximum_of(maximum(a, b));
}

inline void scale_row(const SoftmaxRow& row, Vec factor) noexcept {
  store(row.sums, multiply(load(row.sums), factor));
  for (size_t p = 0; p < row.panels; ++p) {
    float* out = row.out + p * row.panel_stride;
    for (size_t v = 0; v < kTileVecs; ++v) store(out + v * kWidth, multiply(load(out + v * kWidth), factor));
  }
}

/// scores become exp(scores - shift), which are added to `sum`. In the log2 domain nothing is left to multiply.
template <bool InLog2Domain>
inline Vec exponentiate(float* scores, size_t count, Vec shift, Vec to_log2, Vec sum) noexcept {
  for (size_t key = 0; key < count; key += kWidth) {
    const Vec difference = subtract(load(scores + key), shift);
    const Vec weight = exp2(InLog2Domain ? difference : multiply(difference, to_log2));
    sum = add(sum, weight);
    store(scores + key, weight);
  }
  return sum;
}

/// Turns the scores of one row (a multiple of the vector width of them) into weights, in place.
inline void weigh_row(const SoftmaxRow& row, float* scores, size_t count) noexcept {
  const float largest = largest_of(scores, count);
  float reference = *row.reference;
  if (largest > reference + kSlack || (reference == kHidden && largest > kHidden)) {
    if (reference != kHidden) scale_row(row, exp2(broadcast((reference - largest) * row.to_log2)));
    *row.reference = reference = largest;
  }
  // All hidden so far: any finite reference gives weights of zero.
  const Vec shift = broadcast(reference == kHidden ? 0.0f : reference);
  const Vec to_log2 = broadcast(row.to_log2), sum = load(row.sums);
  store(row.sums, row.to_log2 == 1.0f ? exponentiate<true>(scores, count, shift, to_log2, sum)
                                      : exponentiate<false>(scores, count, shift, to_log2, sum));
}

}  // namespace
