#pragma once

#include <immintrin.h>
#include <stddef.h>

/// The Vec of target avx512: sixteen floats, lane masks in mask registers.
namespace {

using Vec = __m512;
using Lanes = __mmask16;

constexpr size_t kWidth = 16;
constexpr size_t kTileRows = 14;  // 28 accumulators, 2 columns, 1 broadcast: 31 of 32 registers
constexpr size_t kTileVecs = 2;
constexpr size_t kAttentionRows = 8 * kTileRows;

inline Vec zero() { return _mm512_setzero_ps(); }
inline Vec broadcast(float x) { return _mm512_set1_ps(x); }
inline Vec load(const float* p) { return _mm512_loadu_ps(p); }
inline void store(float* p, Vec x) { _mm512_storeu_ps(p, x); }

inline Lanes first_lanes(size_t n) { return n >= kWidth ? Lanes(0xFFFF) : Lanes((1u << n) - 1u); }
inline Vec load_first(const float* p, size_t n) { return _mm512_maskz_loadu_ps(first_lanes(n), p); }
inline void store_first(float* p, Vec x, size_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), x); }

inline Vec add(Vec a, Vec b) { return _mm512_add_ps(a, b); }
inline Vec subtract(Vec a, Vec b) { return _mm512_sub_ps(a, b); }
inline Vec multiply(Vec a, Vec b) { return _mm512_mul_ps(a, b); }
inline Vec divide(Vec a, Vec b) { return _mm512_div_ps(a, b); }
inline Vec fma(Vec a, Vec b, Vec c) { return _mm512_fmadd_ps(a, b, c); }
inline Vec square_root(Vec a) { return _mm512_sqrt_ps(a); }
/// A NaN in b stays; a NaN in a gives b.
inline Vec maximum(Vec a, Vec b) { return _mm512_max_ps(a, b); }

inline Vec select(Lanes lanes, Vec yes, Vec no) { return _mm512_mask_blend_ps(lanes, no, yes); }
inline unsigned bits(Lanes lanes) { return lanes; }
/// x in these lanes, zero in the others.
inline Vec keep(Lanes lanes, Vec x) { return _mm512_maskz_mov_ps(lanes, x); }
/// True where either is NaN.
inline Lanes not_less(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_NLT_UQ); }
inline Lanes equal(Vec a, Vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_EQ_OQ); }
/// Nonzero bytes among the first n; the other lanes are false.
inline Lanes load_flags(const unsigned char* p, size_t n) {
  const __m128i bytes = _mm_maskz_loadu_epi8(first_lanes(n), p);
  return _mm_test_epi8_mask(bytes, bytes);
}

inline Vec round_to_integer(Vec x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
/// x 2^n for integral n in [-150, 127], rounded once where the result is subnormal.
inline Vec scale_by_power(Vec x, Vec n) { return _mm512_scalef_ps(x, n); }

inline float sum_of(Vec x) {
  const __m256 half = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  __m128 quarter = _mm_add_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_add_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_add_ss(quarter, _mm_movehdup_ps(quarter)));
}

inline float maximum_of(Vec x) {
  const __m256 half = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
  __m128 quarter = _mm_max_ps(_mm256_castps256_ps128(half), _mm256_extractf128_ps(half, 1));
  quarter = _mm_max_ps(quarter, _mm_movehl_ps(quarter, quarter));
  return _mm_cvtss_f32(_mm_max_ss(quarter, _mm_movehdup_ps(quarter)));
}

/// p[0], p[0], p[1], p[1], ... for n lanes (n even).
inline Vec load_each_twice(const float* p, size_t n) {
  const __m512 once = _mm512_maskz_loadu_ps(first_lanes(n / 2), p);
  return _mm512_permutexvar_ps(_mm512_set_epi32(7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0, 0), once);
}
inline Vec swap_pairs(Vec x) { return _mm512_permute_ps(x, 0xB1); }
/// a b - c in even lanes, a b + c in odd lanes.
inline Vec fma_subtract_add(Vec a, Vec b, Vec c) { return _mm512_fmaddsub_ps(a, b, c); }

inline void prefetch(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T0); }
inline void prefetch_far(const float* p) { _mm_prefetch(reinterpret_cast<const char*>(p), _MM_HINT_T1); }

}  // namespace
