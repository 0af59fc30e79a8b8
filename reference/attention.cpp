#include "reference/attention.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace attest::reference {
namespace {

/// p = exp(s - m) / sum exp(s - m). Where every logit is -inf, or there is none, torch gives a row of zeros.
template <class T>
void softmax(AttentionRow<T>& row) {
  constexpr T kMinusInfinity = -std::numeric_limits<T>::infinity();
  row.probabilities.assign(row.logits.size(), T{0});
  if (std::ranges::all_of(row.logits, [](T logit) { return logit == kMinusInfinity; })) return;

  row.largest_logit = *std::ranges::max_element(row.logits);
  std::ranges::transform(row.logits, row.probabilities.begin(),
                         [&](T logit) { return std::exp(logit - row.largest_logit); });
  const T sum = std::accumulate(row.probabilities.begin(), row.probabilities.end(), T{0});
  for (T& p : row.probabilities) p /= sum;
}

}  // namespace

template <class T>
AttentionRow<T> attention_row(const Array<T>& q, const Array<T>& k, const AttentionMask<T>& mask, RowIndex at) {
  const auto [b, h, g, i] = at;
  const std::span<const T> query = row(q, b, h, i);
  const T scale = T{1} / std::sqrt(static_cast<T>(query.size()));

  AttentionRow<T> result;
  for (std::int64_t j = 0; j < static_cast<std::int64_t>(k.shape(2)); ++j) {
    if (!mask.visible(b, i, j)) continue;
    const std::span<const T> key = row(k, b, g, j);
    const T score = scale * std::inner_product(query.begin(), query.end(), key.begin(), T{0});
    result.keys.push_back(j);
    result.logits.push_back(mask.bias ? score + (*mask.bias)(b, i, j) : score);
  }
  softmax(result);
  return result;
}

template <class T>
Array<T> attention(const Array<T>& q, const Array<T>& k, const Array<T>& v, const AttentionMask<T>& mask) {
  Array<T> y = xt::zeros<T>(q.shape());
  for_each_row(q, k.shape(1), [&](RowIndex at) {
    const AttentionRow<T> weights = attention_row(q, k, mask, at);
    const std::span<T> out = row(y, at.b, at.h, at.i);
    for (std::size_t n = 0; n < weights.keys.size(); ++n) {
      const std::span<const T> value = row(v, at.b, at.g, weights.keys[n]);
      for (std::size_t c = 0; c < out.size(); ++c) out[c] += weights.probabilities[n] * value[c];
    }
  });
  return y;
}

template AttentionRow<float> attention_row(const Array<float>&, const Array<float>&, const AttentionMask<float>&,
                                           RowIndex);
template AttentionRow<double> attention_row(const Array<double>&, const Array<double>&, const AttentionMask<double>&,
                                            RowIndex);
template Array<float> attention(const Array<float>&, const Array<float>&, const Array<float>&,
                                const AttentionMask<float>&);
template Array<double> attention(const Array<double>&, const Array<double>&, const Array<double>&,
                                 const AttentionMask<double>&);

}  // namespace attest::reference
