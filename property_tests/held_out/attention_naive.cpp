#include <algorithm>
#include <cmath>
#include <vector>

#include "property_tests/held_out/held_out.h"

/// Textbook: the whole matrix of scores of a head, its softmax, its product with the values.
namespace attest::held_out {
namespace {

struct Matrix {
  std::int64_t rows, columns;
  std::vector<float> values;
  float& at(std::int64_t i, std::int64_t j) { return values[static_cast<std::size_t>(i * columns + j)]; }
};

Matrix scores_of(const attest_attention& call, const Head& head) {
  const std::int64_t s_x = call.q->shape[2], s_k = call.k->shape[2], h_d = call.q->shape[3];
  Matrix scores{s_x, s_k, std::vector<float>(static_cast<std::size_t>(s_x * s_k))};
  for (std::int64_t i = 0; i < s_x; ++i) {
    for (std::int64_t j = 0; j < s_k; ++j) {
      const float bias = bias_at(call, head.sample, i, j);
      const float* k = head.k + (has_bug("key_index_is_a_byte") ? j % 256 : j) * h_d;
      float sum = 0;
      for (std::int64_t c = 0; c < h_d && bias != kHidden; ++c) sum += head.q[i * h_d + c] * k[c];
      scores.at(i, j) = bias == kHidden ? kHidden : sum * scale_of(call) + bias;
    }
  }
  return scores;
}

/// Softmax of `count` elements, `step` apart.
void softmax(float* values, std::int64_t count, std::int64_t step) {
  float largest = kHidden;
  for (std::int64_t j = 0; j < count; ++j) largest = std::max(largest, values[j * step]);
  float sum = 0;
  for (std::int64_t j = 0; j < count; ++j) {
    values[j * step] = values[j * step] == kHidden ? 0 : std::exp(values[j * step] - largest);
    sum += values[j * step];
  }
  for (std::int64_t j = 0; j < count && sum != 0; ++j) values[j * step] /= sum;
}

}  // namespace

void attend(const attest_attention& call) {
  const std::int64_t h_d = call.q->shape[3];
  for_each_head(call, [&](const Head& head) {
    Matrix p = scores_of(call, head);
    if (has_bug("softmax_over_queries")) {
      for (std::int64_t j = 0; j < p.columns; ++j) softmax(&p.at(0, j), p.rows, p.columns);
    } else {
      for (std::int64_t i = 0; i < p.rows; ++i) softmax(&p.at(i, 0), p.columns, 1);
    }
    for (std::int64_t i = 0; i < p.rows; ++i) {
      for (std::int64_t c = 0; c < h_d; ++c) {
        float sum = 0;
        for (std::int64_t j = 0; j < p.columns; ++j) {
          if (p.at(i, j) != 0) sum += p.at(i, j) * head.v[j * h_d + c];
        }
        head.out[i * h_d + c] = sum;
      }
    }
  });
}

}  // namespace attest::held_out
