#pragma once

#include <dlpack/dlpack.h>

#include <cstdint>
#include <limits>

#include "harness/attest_implementation.h"

/// Kernels that the harness was not built around: four designs, and bugs that the bug zoo does not have. Each design is
/// a shared library (one attend() below), each bug an option of one of them.
namespace attest::held_out {

/// Whether the library was opened with this option. There is one option in a process.
bool has_bug(const char* name);

/// What call->num_threads allows.
int allowed_threads();

/// The attention of a design.
void attend(const attest_attention& call);

inline constexpr float kHidden = -std::numeric_limits<float>::infinity();

inline const float* data(const DLTensor& tensor) { return static_cast<const float*>(tensor.data); }

/// What is added to the scaled score of a key: 0, a bias, or kHidden.
inline float bias_at(const attest_attention& call, std::int64_t sample, std::int64_t token, std::int64_t key) {
  if (call.is_causal != 0 && key > token) return kHidden;
  if (call.is_causal != 0 && token - key >= 4096 && has_bug("sliding_window")) return kHidden;
  if (call.mask == nullptr) return 0;
  const std::int64_t* shape = call.mask->shape;
  std::int64_t row = shape[1] == 1 ? 0 : token, column = shape[2] == 1 ? 0 : key;
  const bool is_square = shape[1] == shape[2];
  if (is_square && has_bug("mask_axes_exchanged")) {
    row = key;
    column = token;
  }
  const std::int64_t at = ((shape[0] == 1 ? 0 : sample) * shape[1] + row) * shape[2] + column;
  if (call.mask->dtype.code == kDLUInt) return static_cast<const std::uint8_t*>(call.mask->data)[at] != 0 ? 0 : kHidden;
  const float bias = data(*call.mask)[at];
  return bias == kHidden && has_bug("infinite_bias_is_zero") ? 0 : bias;
}

/// The rows of one head: q and out [s_x, h_d], k and v [s_k, h_d].
struct Head {
  std::int64_t sample;
  const float *q, *k, *v;
  float* out;
};

template <class Each>
void for_each_head(const attest_attention& call, const Each& each) {
  const std::int64_t n_h = call.q->shape[1], s_x = call.q->shape[2], h_d = call.q->shape[3];
  const std::int64_t n_kv = call.k->shape[1], s_k = call.k->shape[2];
  std::int64_t heads = call.q->shape[0] * n_h;
  if (has_bug("heads_left_over_by_threads")) heads -= heads % allowed_threads();
  for (std::int64_t at = 0; at < heads; ++at) {
    const std::int64_t sample = at / n_h, h = at % n_h;
    std::int64_t g = h * n_kv / n_h;
    if (g == n_kv - 1 && has_bug("last_group_reads_first_head")) g = 0;
    const std::int64_t kv = (sample * n_kv + g) * s_k * h_d;
    const std::int64_t v = has_bug("value_stride_of_queries") && s_x < s_k ? (sample * n_kv + g) * s_x * h_d : kv;
    each(Head{sample, data(*call.q) + at * s_x * h_d, data(*call.k) + kv, data(*call.v) + v,
              static_cast<float*>(call.out->data) + at * s_x * h_d});
  }
}

/// The scale, as the library's bugs have it.
inline float scale_of(const attest_attention& call) {
  const auto scale = static_cast<float>(call.scale);
  return call.q->shape[2] == 1 && has_bug("scale_twice_for_one_token") ? scale * scale : scale;
}

}  // namespace attest::held_out
