#pragma once

#include <immintrin.h>
#include <stddef.h>

/// The Vec of target avx2 (with FMA): eight floats, lane masks as vectors of all-ones and zero.
namespace {

using Vec = __m256;
using Lanes = __m256;

constexpr size_t kWidth = 8;
constexpr size_t kTileRows = 6;  // 12 accumulators, 2 columns, 1 broadcast: 15 of 16 registers
constexpr size_t kTileVecs = 2;
constexpr size_t kAttentionRows = 16 * kTileRows;

inline Vec zero() { return _mm256_setzero_ps(); }
inline Vec broadcast(float x) { return _mm256_set1_ps(x); }
inline Vec load(const float* p) { return _mm256_loadu_ps(p); }
inline void store(float* p, Vec x) { _mm256_storeu_ps(p, x); }

inline Lanes first_lanes(size_t n) {
  const __m256i count = _mm256_set1_epi32(n >= kWidth ? int(kWidth) : int(n));
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(count, _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)));
}
inline Vec load_first(const float* p, size_t n) { return _mm256_maskload_ps(p, _mm256_castps_si256(first_lanes(n))); }
inline void store_first(float* p, Vec x, size_t n) { _mm256_maskstore_ps(p, _mm256_castps_si256(first_lanes(n)), x); }

inline Vec add(Vec a, Vec b) { return _mm256_add_ps(a, b); }
inline Vec subtract(Vec a, Vec b) { return _mm256_sub_ps(a, b); }
inline Vec multiply(Vec a, Vec b) { return _mm256_mul_ps(a, b); }
inline Vec divide(Vec a, Vec b) { return _mm256_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm256_fmadd_ps(a, b, c); }
inline Vec square_root(Vec a) { return _mm256_sqrt_ps(a); }
/// A NaN in b stays; a NaN in a gives b.
inline Vec maximum(Vec a, Vec b) { return _mm256_max_ps(a, b); }

inline Vec select(Lanes lanes, Vec yes, Vec no) { return _mm256_blendv_ps(no, yes, lanes); }
inline unsigned bits(Lanes lanes) { return unsigned(_mm256_movemask_ps(lanes)); }
/// x in these lanes, zero in the others.
inline Vec keep(Lanes lanes, Vec x) { return _mm256_and_ps(lanes, x); }
/// True where either is NaN.
inline Lanes not_less(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_NLT_UQ); }
inline Lanes equal(Vec a, Vec b) { return _mm256_cmp_ps(a, b, _CMP_EQ_OQ); }
/// Nonzero bytes among the first n; the other lanes are false.
inline Lanes load_flags(const unsigned char* p, size_t n) {
  unsigned char bytes[8] = {};
  if (n >= kWidth) n = kWidth;
  for (size_t i = 0; i < n; ++i) bytes[i] = p[i];
  const __m256i wide = _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(bytes)));
  return _mm256_castsi256_ps(_mm256_cmpgt_epi32(wide, _mm256_setzero_si256()));
}

inline Vec round_to_integer(Vec x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// x 2^n for integral n in [-150, 127], rounded once where the result is subnormal: two factors, both normal.
inline Vec scale_by_power(Vec x, Vec n) {
  const __m256i whole = _mm256_cvtps_epi32(n);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i rest = _mm256_sub_epi32(whole, half);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256 first = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(half, bias), 23));
  const __m256 second = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(rest, bias), 23));
  return _mm256_mul_ps(_mm256_mul_ps(x, first), second);
}

inline float sum_of(Vec x) {
  __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}

inline float maximum_of(Vec x) {
  __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  quarter = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(quarter, _mm_movehdup_ps(quarter)));
}

/// p[0], p[0], p[1], p[1], ... for n lanes (n even).
inline Vec load_each_twice(const float* p, size_t n) {
  const __m256 once = load_first(p, n / 2);
  return _mm256_permutevar8x32_ps(once, _mm256_setr_epi32(0, 0, 1, 1, 2, 2, 3, 3));
}
inline Vec swap_pairs(Vec x) { return _mm256_permute_ps(x, 0xB1); }
/// a b - c in even lanes, a b + c in odd lanes.
inline Vec fma_subtract_add(Vec a, Vec b, Vec c) { return _mm256_fmaddsub_ps(a, b, c); }

inline void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
inline void prefetch_far(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

}  // namespace
