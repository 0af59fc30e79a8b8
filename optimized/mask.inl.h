#pragma once

#include "optimized/kernels.h"
#include "optimized/projection.inl.h"

/// Masks: what a run of keys shows, and hiding scores. A hidden score is -inf, whatever it was before: a NaN in a
/// hidden key leaves no trace.
namespace {

using attest::optimized::kKeyBlock;
using attest::optimized::MaskKind;
using attest::optimized::MaskRows;
using attest::optimized::MaskScan;

constexpr float kHidden = -__builtin_inff();

using FlagWord = unsigned long long;
constexpr size_t kFlagsInWord = sizeof(FlagWord);
constexpr FlagWord kLowBits = 0x0101010101010101;

inline FlagWord load_word(const unsigned char* flags, size_t count) noexcept {
  FlagWord word = 0;
  __builtin_memcpy(&word, flags, count);
  return word;
}

inline size_t sum_of_bytes(FlagWord word) noexcept {
  constexpr FlagWord kEven = 0x00FF00FF00FF00FF;
  return size_t((((word & kEven) + (word >> 8 & kEven)) * 0x0001000100010001) >> 48);
}

/// Up to kKeyBlock bytes, eight at a time: sums of bytes then do not overflow. Little-endian: the first byte is lowest.
inline MaskScan scan_flags(const unsigned char* flags, size_t count) noexcept {
  const size_t words = count / kFlagsInWord, rest = count % kFlagsInWord;
  FlagWord last = 0;
  for (size_t i = 0; i < rest; ++i) last |= FlagWord(flags[words * kFlagsInWord + i]) << 8 * i;
  FlagWord any = last, sums = last;
  for (size_t w = 0; w < words; ++w) {
    const FlagWord word = load_word(flags + w * kFlagsInWord, kFlagsInWord);
    any |= word;
    sums += word;
  }
  MaskScan scan{0, 0, sum_of_bytes(sums), false, (any & ~kLowBits) == 0};
  if (any == 0) return scan;
  const auto word_at = [&](size_t w) { return w < words ? load_word(flags + w * kFlagsInWord, kFlagsInWord) : last; };
  size_t first = 0, end = words;
  while (word_at(first) == 0) ++first;
  while (word_at(end) == 0) --end;
  scan.first_visible = first * kFlagsInWord + size_t(__builtin_ctzll(word_at(first))) / 8;
  scan.end_visible = (end + 1) * kFlagsInWord - size_t(__builtin_clzll(word_at(end))) / 8;
  return scan;
}

inline MaskScan scan_biases(const float* biases, size_t count) noexcept {
  MaskScan scan{count, 0, 0, false, true};
  for (size_t key = 0; key < count; key += kWidth) {
    const size_t n = smaller(kWidth, count - key);
    const Vec bias = load_first(biases + key, n);
    const unsigned seen = bits(first_lanes(n)) & ~bits(equal(bias, broadcast(kHidden)));
    if (seen == 0) continue;
    scan.adds = scan.adds || (seen & ~bits(equal(bias, zero()))) != 0;
    if (scan.visible == 0) scan.first_visible = key + size_t(__builtin_ctz(seen));
    scan.end_visible = key + 32 - size_t(__builtin_clz(seen));
    scan.visible += size_t(__builtin_popcount(seen));
  }
  if (scan.visible == 0) scan.first_visible = 0;
  return scan;
}

/// Keys [first_key, first_key + count) of one mask row, count <= kKeyBlock. A key is hidden by False, or by -inf.
MaskScan scan_mask(const MaskRows& mask, size_t token, size_t first_key, size_t count) noexcept {
  const size_t start = token * mask.token_stride + first_key * mask.key_stride;
  const size_t read = mask.key_stride ? count : 1;
  MaskScan scan =
      mask.kind == MaskKind::boolean ? scan_flags(mask.flags + start, read) : scan_biases(mask.biases + start, read);
  if (read < count && scan.visible) scan.end_visible = scan.visible = count;
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

/// Hides the scores at [0, visible).
inline void hide_before(size_t visible, float* scores) noexcept {
  const size_t whole = visible / kWidth * kWidth;
  for (size_t key = 0; key < whole; key += kWidth) store(scores + key, broadcast(kHidden));
  if (visible > whole) {
    float* last = scores + whole;
    store(last, select(first_lanes(visible - whole), broadcast(kHidden), load(last)));
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
