#include <algorithm>
#include <cmath>
#include <vector>

#include "property_tests/held_out/held_out.h"

/// Every sum compensated.
namespace attest::held_out {
namespace {

class KahanSum {
 public:
  void add(float term) {
    const float corrected = term - lost_;
    const float next = sum_ + corrected;
    lost_ = std::isfinite(next) ? (next - sum_) - corrected : 0;
    sum_ = next;
  }
  float value() const { return sum_; }

 private:
  float sum_ = 0, lost_ = 0;
};

std::vector<float> scores_of(const attest_attention& call, const Head& head, std::int64_t i) {
  const std::int64_t s_k = call.k->shape[2], h_d = call.q->shape[3];
  std::vector<float> scores(static_cast<std::size_t>(s_k), kHidden);
  for (std::int64_t j = 0; j < s_k; ++j) {
    const float bias = bias_at(call, head.sample, i, j);
    if (bias == kHidden) continue;
    KahanSum sum;
    for (std::int64_t c = 0; c < h_d; ++c) sum.add(head.q[i * h_d + c] * head.k[j * h_d + c]);
    scores[static_cast<std::size_t>(j)] = sum.value() * scale_of(call) + bias;
  }
  return scores;
}

}  // namespace

void attend(const attest_attention& call) {
  const std::int64_t s_x = call.q->shape[2], s_k = call.k->shape[2], h_d = call.q->shape[3];
  for_each_head(call, [&](const Head& head) {
    for (std::int64_t i = 0; i < s_x; ++i) {
      std::vector<float> weights = scores_of(call, head, i);
      const float largest = *std::max_element(weights.begin(), weights.end());
      KahanSum total;
      for (float& weight : weights) {
        weight = weight == kHidden ? 0 : std::exp(weight - largest);
        // A plain sum forgets a weight below half a unit of the sum; so does this one, wrongly, far above that.
        if (!has_bug("small_weights_not_summed") || weight > 0x1p-12f) total.add(weight);
      }
      for (std::int64_t c = 0; c < h_d; ++c) {
        KahanSum sum;
        for (std::int64_t j = 0; j < s_k; ++j) {
          const float weight = weights[static_cast<std::size_t>(j)];
          if (weight != 0) sum.add(weight * head.v[j * h_d + c]);
        }
        head.out[i * h_d + c] = total.value() == 0 ? 0 : sum.value() / total.value();
      }
    }
  });
}

}  // namespace attest::held_out
