#include <algorithm>
#include <cmath>
#include <vector>

#include "property_tests/held_out/held_out.h"

/// Two passes over the keys of a row: the largest score first, then weights, their sum and the values together.
namespace attest::held_out {
namespace {

/// kHidden for a key that the row does not see.
float score(const attest_attention& call, const Head& head, std::int64_t i, std::int64_t j) {
  const float bias = bias_at(call, head.sample, i, j);
  if (bias == kHidden) return kHidden;
  const std::int64_t h_d = call.q->shape[3];
  float even = 0, odd = 0;
  for (std::int64_t c = 0; c < h_d; c += 2) {
    even += head.q[i * h_d + c] * head.k[j * h_d + c];
    if (c + 1 < h_d) odd += head.q[i * h_d + c + 1] * head.k[j * h_d + c + 1];
  }
  return (even + odd) * scale_of(call) + bias;
}

}  // namespace

void attend(const attest_attention& call) {
  const std::int64_t s_x = call.q->shape[2], s_k = call.k->shape[2], h_d = call.q->shape[3];
  for_each_head(call, [&](const Head& head) {
    for (std::int64_t i = 0; i < s_x; ++i) {
      float largest = kHidden;
      for (std::int64_t j = 0; j < s_k; ++j) largest = std::max(largest, score(call, head, i, j));
      float sum = 0;
      std::vector<float> row(static_cast<std::size_t>(h_d), 0.0f);
      for (std::int64_t j = s_k - 1; j >= 0; --j) {
        const float logit = score(call, head, i, j);
        if (logit == kHidden) continue;
        if (logit - largest < -30 && has_bug("exponential_cut_off_at_minus_30")) continue;
        const float weight = std::exp(logit - largest);
        sum += weight;
        for (std::int64_t c = 0; c < h_d; ++c) row[static_cast<std::size_t>(c)] += weight * head.v[j * h_d + c];
      }
      for (std::int64_t c = 0; c < h_d; ++c) {
        head.out[i * h_d + c] = sum == 0 ? 0 : row[static_cast<std::size_t>(c)] * (1 / sum);
      }
    }
  });
}

}  // namespace attest::held_out
