#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fixtures/case.h"
#include "reference/budget.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// Which two channels of a head are rotated together.
enum class RotaryPairs {
  interleaved,  ///< (2i, 2i + 1): torchtune's own and Llama 3.1's
  half_split,   ///< (i, i + h_d/2): Phi-3's and Qwen2's
};

/// torchtune's rotary module after rope_init.
template <class T>
struct RotaryEmbedding {
  Array<T> cos;  ///< [rows, h_d/2]; row p belongs to position p
  Array<T> sin;  ///< [rows, h_d/2]
  RotaryPairs pairs = RotaryPairs::interleaved;
  DType product_dtype = DType::float32;  ///< each product is rounded to it: the dtype of x for Qwen2
  std::int64_t max_seq_len = 0;
};

/// Absent for NoPosEmbeddings. `storage` is the dtype of x: Qwen2 rounds its tables to it first.
template <class T>
std::optional<RotaryEmbedding<T>> rotary_embedding(const PosEmbeddings& embedding, const RotaryTables* tables,
                                                   DType storage);

/// How each token of [b, s, n, h_d] is rotated.
template <class T>
struct Rotation {
  Array<T> cos;  ///< [b, s, 1, h_d/2]
  Array<T> sin;  ///< [b, s, 1, h_d/2]
  RotaryPairs pairs = RotaryPairs::interleaved;
  DType product_dtype = DType::float32;
};

/// torchtune's `self.cache[:s]` or `self.cache[input_pos]`, for `b` samples of `s` tokens. Throws InputError for a
/// position that has no row.
template <class T>
Rotation<T> rotation_at(const RotaryEmbedding<T>& embedding, const Tensor* input_pos, std::int64_t b, std::int64_t s);

/// x [b, s, n, h_d] taken apart: the first and the second channel of each pair.
template <class T>
struct RotaryHalves {
  Array<T> first;   ///< [b, s, n, h_d/2]
  Array<T> second;  ///< [b, s, n, h_d/2]
};
template <class T>
RotaryHalves<T> split_pairs(const Array<T>& x, RotaryPairs pairs);
/// The inverse of split_pairs.
template <class T>
Array<T> join_pairs(const RotaryHalves<T>& halves, RotaryPairs pairs);

/// y [b, s, n, h_d]: each pair (a, b) of x becomes (a cos - b sin, b cos + a sin).
template <class T>
Array<T> rotary(const Array<T>& x, const Rotation<T>& rotation);

/// Budget of a rotated x [b, s, n, h_d], for the channel a cos - b sin of a pair (a, b); the other one likewise:
///
///   2 u (|a cos| + |b sin|) + 2 underflows + half_ulp(y) + kappa sqrt((da cos)^2 + (db sin)^2)
///
/// Where the module rounds each product to bfloat16 (Qwen2), a product computed from a deviating a may round the other
/// way: half an ulp of each product joins da cos and db sin under the root. A product of recorded inputs cannot.
Budget rotary_budget(const Array<double>& x, const Rotation<double>& rotation, const Array<double>& y, DType storage,
                     const Budget* dx);

}  // namespace attest::reference
