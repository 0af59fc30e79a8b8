#pragma once

#include "optimized/kernels.h"
#include "optimized/projection.inl.h"

/// Masks: what a run of keys shows, and hiding scores. A hidden score is -inf, whatever it was before: a NaN in a
/// hidden key leaves no trace.
namespace {

using attest::optimized::MaskKind;
using attest::optimized::MaskRows;
using attest::optimized::MaskScan;

constexpr float kHidden = -__builtin_inff();

/// Scans keys [first_key, first_key + count) of one mask row. A key is hidden by False, or by -inf.
MaskScan scan_mask(const MaskRows& mask, size_t token, size_t first_key, size_t count) noexcept {
  MaskScan scan{count, 0, true};
  const size_t start = token * mask.token_stride + first_key * mask.key_stride;
  for (size_t key = 0; key < count; key += kWidth) {
    const size_t n = smaller(kWidth, count - key);
    const unsigned wanted = bits(first_lanes(n));
    unsigned seen = 0, plain = 0;
    if (mask.kind == MaskKind::boolean) {
      const unsigned char* flags = mask.flags + start;
      seen = mask.key_stride ? bits(load_flags(flags + key, n)) : (*flags ? wanted : 0);
      plain = seen;
    } else {
      const float* biases = mask.biases + start;
      const Vec bias = mask.key_stride ? load_first(biases + key, n) : broadcast(*biases);
      seen = wanted & ~bits(equal(bias, broadcast(kHidden)));
      plain = wanted & bits(equal(bias, zero()));
    }
    if (plain != wanted) scan.plain = false;
    if (seen == 0) continue;
    if (scan.first_visible == count) scan.first_visible = key + size_t(__builtin_ctz(seen));
    scan.end_visible = key + 32 - size_t(__builtin_clz(seen));
  }
  if (scan.end_visible == 0) scan.first_visible = 0;
  return scan;
}

inline bool is_visible(const MaskRows& mask, size_t token, size_t key) noexcept {
  const size_t at = token * mask.token_stride + key * mask.key_stride;
  if (mask.kind == MaskKind::boolean) return mask.flags[at] != 0;
  if (mask.kind == MaskKind::additive) return !(mask.biases[at] == kHidden);
  return true;
}

/// Applies the mask to the scores of keys [first_key, first_key + count).
inline void mask_scores(const MaskRows& mask, size_t token, size_t first_key, size_t count, float* scores) noexcept {
  const size_t start = token * mask.token_stride + first_key * mask.key_stride;
  const Vec hidden = broadcast(kHidden);
  for (size_t key = 0; key < count; key += kWidth) {
    const size_t n = smaller(kWidth, count - key);
    Vec score = load(scores + key);
    if (mask.kind == MaskKind::boolean) {
      const unsigned char* flags = mask.flags + start;
      if (mask.key_stride) {
        score = select(load_flags(flags + key, n), score, hidden);
      } else if (!*flags) {
        score = hidden;
      }
    } else {
      const float* biases = mask.biases + start;
      const Vec bias = mask.key_stride ? load_first(biases + key, n) : broadcast(*biases);
      score = select(equal(bias, hidden), hidden, add(bias, score));
    }
    store(scores + key, score);
  }
}

/// Hides the scores at [visible, end); both count from the same key, end is a multiple of the vector width.
inline void hide_from(size_t visible, size_t end, float* scores) noexcept {
  const size_t whole = (visible + kWidth - 1) / kWidth * kWidth;
  if (whole > visible) {
    float* last = scores + whole - kWidth;
    store(last, select(first_lanes(visible + kWidth - whole), load(last), broadcast(kHidden)));
  }
  for (size_t key = whole; key < end; key += kWidth) store(scores + key, broadcast(kHidden));
}

}  // namespace
