#include <algorithm>
#include <cmath>
#include <vector>

#include "property_tests/held_out/held_out.h"

/// Blocks of 32 queries against blocks of 16 keys, fused multiply-adds, online softmax in powers of two.
namespace attest::held_out {
namespace {

constexpr std::int64_t kQueries = 32, kKeys = 16;
constexpr float kLog2E = 1.44269504f;

struct RowState {
  bool sees_a_key = false;
  float largest = kHidden;
  float sum = 0;
  std::vector<float> values;
};

void absorb(const attest_attention& call, const Head& head, std::int64_t i, std::int64_t begin, RowState& row) {
  const std::int64_t s_k = call.k->shape[2], h_d = call.q->shape[3];
  const std::int64_t end = std::min(begin + kKeys, s_k);
  float scores[kKeys];
  float largest = row.largest;
  for (std::int64_t j = begin; j < end; ++j) {
    const float bias = bias_at(call, head.sample, i, j);
    float sum = 0;
    for (std::int64_t c = 0; c < h_d; ++c) sum = std::fma(head.q[i * h_d + c], head.k[j * h_d + c], sum);
    scores[j - begin] = bias == kHidden ? kHidden : sum * scale_of(call) + bias;
    const bool forgotten = has_bug("maximum_of_last_key_forgotten") && j == s_k - 1 && largest != kHidden;
    row.sees_a_key = row.sees_a_key || bias != kHidden;
    if (!forgotten) largest = std::max(largest, scores[j - begin]);
  }
  if (!row.sees_a_key) return;
  const float factor = std::exp2((row.largest - largest) * kLog2E);
  row.largest = largest;
  row.sum *= factor;
  for (float& value : row.values) value *= factor;
  for (std::int64_t j = begin; j < end; ++j) {
    if (scores[j - begin] == kHidden) continue;
    const float weight = std::exp2((scores[j - begin] - largest) * kLog2E);
    row.sum += weight;
    for (std::int64_t c = 0; c < h_d; ++c) {
      float& value = row.values[static_cast<std::size_t>(c)];
      value = std::fma(weight, head.v[j * h_d + c], value);
    }
  }
}

}  // namespace

void attend(const attest_attention& call) {
  const std::int64_t s_x = call.q->shape[2], s_k = call.k->shape[2];
  const auto h_d = static_cast<std::size_t>(call.q->shape[3]);
  for_each_head(call, [&](const Head& head) {
    for (std::int64_t first = 0; first < s_x; first += kQueries) {
      const std::int64_t count = std::min(kQueries, s_x - first);
      std::vector<RowState> rows(static_cast<std::size_t>(count), RowState{false, kHidden, 0, std::vector<float>(h_d)});
      for (std::int64_t begin = 0; begin < s_k; begin += kKeys) {
        for (std::int64_t i = 0; i < count; ++i) {
          absorb(call, head, first + i, begin, rows[static_cast<std::size_t>(i)]);
        }
      }
      float* out = head.out + first * call.q->shape[3];
      for (const RowState& row : rows) {
        for (const float value : row.values) *out++ = row.sees_a_key ? value / row.sum : 0;
      }
    }
  });
}

}  // namespace attest::held_out
