#pragma once

#include <stddef.h>

/// The Vec of target scalar: four floats in the compiler's generic vector type, no intrinsics, any machine. What the
/// machine lacks, the compiler spells out element by element. No fused multiply-add: a library call would be needed.
namespace {

typedef float Vec __attribute__((vector_size(16)));
typedef int Lanes __attribute__((vector_size(16)));

constexpr size_t kWidth = 4;
constexpr size_t kTileRows = 4;
constexpr size_t kTileVecs = 2;
constexpr size_t kAttentionRows = 16 * kTileRows;

inline Vec zero() { return Vec{0, 0, 0, 0}; }
inline Vec broadcast(float x) { return Vec{x, x, x, x}; }
inline Vec load(const float* p) {
  Vec x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
inline void store(float* p, Vec x) { __builtin_memcpy(p, &x, sizeof x); }

inline Lanes first_lanes(size_t n) {
  const int count = n >= kWidth ? int(kWidth) : int(n);
  return Lanes{count, count, count, count} > Lanes{0, 1, 2, 3};
}
inline Vec load_first(const float* p, size_t n) {
  if (n >= kWidth) return load(p);
  Vec x = zero();
  for (size_t i = 0; i < n; ++i) x[i] = p[i];
  return x;
}
inline void store_first(float* p, Vec x, size_t n) {
  if (n >= kWidth) return store(p, x);
  for (size_t i = 0; i < n; ++i) p[i] = x[i];
}

inline Vec add(Vec a, Vec b) { return a + b; }
inline Vec subtract(Vec a, Vec b) { return a - b; }
inline Vec multiply(Vec a, Vec b) { return a * b; }
inline Vec divide(Vec a, Vec b) { return a / b; }
inline Vec fma(Vec a, Vec b, Vec c) { return a * b + c; }
inline Vec square_root(Vec a) {
  for (size_t i = 0; i < kWidth; ++i) a[i] = __builtin_sqrtf(a[i]);
  return a;
}

inline Vec select(Lanes lanes, Vec yes, Vec no) { return lanes ? yes : no; }
/// A NaN in b stays; a NaN in a gives b.
inline Vec maximum(Vec a, Vec b) { return select(a > b, a, b); }
inline unsigned bits(Lanes lanes) {
  unsigned word = 0;
  for (size_t i = 0; i < kWidth; ++i) word |= unsigned(lanes[i] & 1) << i;
  return word;
}
/// x in these lanes, zero in the others.
inline Vec keep(Lanes lanes, Vec x) { return select(lanes, x, zero()); }
/// True where either is NaN.
inline Lanes not_less(Vec a, Vec b) { return ~(a < b); }
inline Lanes equal(Vec a, Vec b) { return a == b; }
/// Nonzero bytes among the first n; the other lanes are false.
inline Lanes load_flags(const unsigned char* p, size_t n) {
  Lanes lanes{0, 0, 0, 0};
  for (size_t i = 0; i < kWidth && i < n; ++i) lanes[i] = p[i] != 0 ? -1 : 0;
  return lanes;
}

/// Adding 1.5 * 2^23 leaves no fraction bits, so the sum is x rounded to nearest; |x| stays far below 2^22.
inline Vec round_to_integer(Vec x) {
  const Vec magic = broadcast(12582912.0f);
  return (x + magic) - magic;
}
/// 2^n for integral n in [-126, 127].
inline Vec power_of_two(Lanes n) {
  const Lanes word = (n + 127) << 23;
  Vec x;
  __builtin_memcpy(&x, &word, sizeof x);
  return x;
}
/// x 2^n for integral n in [-150, 127], rounded once where the result is subnormal: two factors, both normal.
inline Vec scale_by_power(Vec x, Vec n) {
  const Lanes defined = n == n;  // the conversion of a NaN is undefined; x is then NaN as well
  const Lanes whole = __builtin_convertvector(select(defined, n, zero()), Lanes);
  const Lanes half = whole >> 1;
  return x * power_of_two(half) * power_of_two(whole - half);
}

inline float sum_of(Vec x) { return (x[0] + x[2]) + (x[1] + x[3]); }
inline float maximum_of(Vec x) {
  float largest = x[0];
  for (size_t i = 1; i < kWidth; ++i) largest = x[i] > largest ? x[i] : largest;
  return largest;
}

/// p[0], p[0], p[1], p[1] for n lanes (n even).
inline Vec load_each_twice(const float* p, size_t n) {
  const float second = n > 2 ? p[1] : 0.0f;
  return Vec{p[0], p[0], second, second};
}
inline Vec swap_pairs(Vec x) { return Vec{x[1], x[0], x[3], x[2]}; }
/// a b - c in even lanes, a b + c in odd lanes.
inline Vec fma_subtract_add(Vec a, Vec b, Vec c) { return a * b + Vec{-c[0], c[1], -c[2], c[3]}; }

inline void prefetch(const float* p) { __builtin_prefetch(p); }
inline void prefetch_far(const float* p) { __builtin_prefetch(p, 0, 2); }

}  // namespace
