#include "property_tests/held_out/layer.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace attest::held_out {
namespace {

/// float32 [b, m, n, h_d]
struct Heads {
  std::int64_t shape[4];
  std::vector<float> values;

  Heads(std::int64_t b, std::int64_t m, std::int64_t n, std::int64_t h_d)
      : shape{b, m, n, h_d}, values(static_cast<std::size_t>(b * m * n * h_d)) {}
  DLTensor tensor() { return {values.data(), {kDLCPU, 0}, 4, {kDLFloat, 32, 1}, shape, nullptr, 0}; }
};

const DLTensor* weight(const attest_layer& call, const std::string& name) {
  for (std::size_t n = 0; n < call.num_weights; ++n) {
    if (call.weights[n].name == name) return call.weights[n].tensor;
  }
  return nullptr;
}

/// [b, m, n, h_d] -> [b, n, m, h_d]
Heads swapped(const Heads& x) {
  const auto [b, m, n, h_d] = x.shape;
  Heads y(b, n, m, h_d);
  for (std::int64_t i = 0; i < b * m * n; ++i) {
    const std::int64_t sample = i / (m * n), from = i / n % m, to = i % n;
    std::copy_n(x.values.data() + i * h_d, h_d, y.values.data() + ((sample * n + to) * m + from) * h_d);
  }
  return y;
}

/// x through a projection, split into heads [b, s, n, h_d], rotated where there are positions.
Heads project(const attest_layer& call, const DLTensor& x, const char* name, const DLTensor* positions) {
  const DLTensor& matrix = *weight(call, std::string(name) + ".weight");
  Heads y(x.shape[0], x.shape[1], matrix.shape[0] / call.head_dim, call.head_dim);
  DLTensor out = y.tensor();
  multiply({sizeof(attest_linear), &x, &matrix, weight(call, std::string(name) + ".bias"), &out});
  if (positions != nullptr) {
    rotate({sizeof(attest_rotary), &out, call.pairing, call.cos, call.sin, positions, &out});
  }
  return y;
}

void normalise_heads(const attest_layer& call, Heads& x, const char* name, double eps) {
  if (call.has_norm == 0) return;
  const bool exchanged = has_bug("k_norm_scale_for_q");
  DLTensor tensor = x.tensor();
  normalise({sizeof(attest_norm), &tensor, weight(call, exchanged ? "k_norm.scale" : name), eps, &tensor});
}

/// Heads [b, s, n, h_d] into the next slots of a cache [b, n, slots, h_d].
void append(const Heads& x, DLTensor& cache, std::int64_t filled) {
  const auto [b, s, n, h_d] = x.shape;
  const std::int64_t slots = cache.shape[2];
  for (std::int64_t i = 0; i < b * s * n; ++i) {
    const std::int64_t sample = i / (s * n), slot = filled + i / n % s, head = i % n;
    const std::int64_t row = has_bug("cache_transposed") ? slot * n + head : head * slots + slot;
    std::copy_n(x.values.data() + i * h_d, h_d, static_cast<float*>(cache.data) + (sample * n * slots + row) * h_d);
  }
}

void attend_and_project(const attest_layer& call, Heads& q, const DLTensor& k, const DLTensor& v) {
  Heads attention(q.shape[0], q.shape[1], q.shape[2], q.shape[3]);
  const DLTensor queries = q.tensor();
  DLTensor out = attention.tensor();
  attest_attention attention_call{};
  attention_call.struct_size = sizeof attention_call;
  attention_call.q = &queries;
  attention_call.k = &k;
  attention_call.v = &v;
  attention_call.mask = call.mask;
  attention_call.is_causal = call.is_causal;
  attention_call.scale = 1 / std::sqrt(static_cast<double>(call.head_dim));
  attention_call.out = &out;
  attend(attention_call);
  Heads joined = swapped(attention);
  const DLTensor x = joined.tensor();
  std::int64_t shape[] = {x.shape[0], x.shape[1], x.shape[2] * x.shape[3]};
  const DLTensor rows = {x.data, x.device, 3, x.dtype, shape, nullptr, 0};
  std::vector<float> halved;
  const DLTensor* bias = weight(call, "output_proj.bias");
  DLTensor wrong_bias{};
  if (bias != nullptr && has_bug("output_bias_halved")) {
    for (std::int64_t o = 0; o < bias->shape[0]; ++o) halved.push_back(data(*bias)[o] / 2);
    wrong_bias = *bias;
    wrong_bias.data = halved.data();
    bias = &wrong_bias;
  }
  multiply({sizeof(attest_linear), &rows, weight(call, "output_proj.weight"), bias, call.output});
}

}  // namespace

void multiply(const attest_linear& call) {
  const std::int64_t features = call.weight->shape[0], depth = call.weight->shape[1];
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < call.x->ndim; ++axis) rows *= call.x->shape[axis];
  for (std::int64_t i = 0; i < rows * features; ++i) {
    const float* x = data(*call.x) + i / features * depth;
    const float* w = data(*call.weight) + i % features * depth;
    float sums[4] = {};
    for (std::int64_t k = 0; k < depth; ++k) sums[k % 4] += x[k] * w[k];
    const float bias = call.bias == nullptr ? 0 : data(*call.bias)[i % features];
    static_cast<float*>(call.out->data)[i] = (sums[0] + sums[1]) + (sums[2] + sums[3]) + bias;
  }
}

void rotate(const attest_rotary& call) {
  const std::int64_t s = call.x->shape[1], n = call.x->shape[2], h_d = call.x->shape[3];
  for (std::int64_t i = 0; i < call.x->shape[0] * s * n * (h_d / 2); ++i) {
    const std::int64_t pair = i % (h_d / 2), head = i / (h_d / 2), token = head / n;
    const std::int64_t from = has_bug("positions_of_first_sample") ? token % s : token;
    std::int64_t row = static_cast<const std::int64_t*>(call.positions->data)[from];
    if (has_bug("position_is_a_byte")) row %= 256;
    const float cos = data(*call.cos)[row * (h_d / 2) + pair], sin = data(*call.sin)[row * (h_d / 2) + pair];
    const bool interleaved = call.pairing == ATTEST_INTERLEAVED;
    const std::int64_t first = head * h_d + (interleaved ? 2 * pair : pair);
    const std::int64_t second = interleaved ? first + 1 : first + h_d / 2;
    const float a = data(*call.x)[first], b = data(*call.x)[second];
    static_cast<float*>(call.out->data)[first] = a * cos - b * sin;
    static_cast<float*>(call.out->data)[second] = b * cos + a * sin;
  }
}

void normalise(const attest_norm& call) {
  const std::int64_t h_d = call.x->shape[call.x->ndim - 1];
  std::int64_t rows = 1;
  for (int axis = 0; axis + 1 < call.x->ndim; ++axis) rows *= call.x->shape[axis];
  for (std::int64_t row = 0; row < rows; ++row) {
    const float* x = data(*call.x) + row * h_d;
    float sum = 0;
    for (std::int64_t c = 0; c < h_d; ++c) sum += x[c] * x[c];
    const float factor = 1 / std::sqrt(sum / static_cast<float>(h_d) + static_cast<float>(call.eps));
    float* out = static_cast<float*>(call.out->data) + row * h_d;
    for (std::int64_t c = 0; c < h_d; ++c) out[c] = x[c] * factor * data(*call.scale)[c];
  }
}

void forward(const attest_layer& call) {
  Heads q = swapped(project(call, *call.x, "q_proj", call.x_positions));
  normalise_heads(call, q, "q_norm.scale", call.q_norm_eps);
  if (call.y == nullptr) return attend_and_project(call, q, *call.k_cache, *call.v_cache);
  Heads k = project(call, *call.y, "k_proj", call.y_positions);
  normalise_heads(call, k, "k_norm.scale", has_bug("eps_of_q_norm_for_k") ? call.q_norm_eps : call.k_norm_eps);
  const Heads v = project(call, *call.y, "v_proj", nullptr);
  if (call.k_cache != nullptr) {
    append(k, *call.k_cache, call.cache_filled);
    append(v, *call.v_cache, call.cache_filled);
    return attend_and_project(call, q, *call.k_cache, *call.v_cache);
  }
  Heads keys = swapped(k), values = swapped(v);
  attend_and_project(call, q, keys.tensor(), values.tensor());
}

}  // namespace attest::held_out
