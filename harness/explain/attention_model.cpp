#include "harness/explain/attention_model.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "reference/arrays.h"

namespace attest::harness::explain {
namespace {

std::shared_ptr<const Array<double>> shared(const Tensor& tensor) {
  return std::make_shared<const Array<double>>(reference::to_array<double>(tensor));
}

}  // namespace

std::vector<double> ScoredRow::logits() const {
  std::vector<double> logits = scores;
  for (std::size_t j = 0; j < logits.size(); ++j) {
    if (!bias.empty()) logits[j] += bias[j];
    if (!visible[j]) logits[j] = -kInfinity;
  }
  return logits;
}

std::vector<double> softmax(const ScoredRow& row) {
  std::vector<double> weights = row.logits();
  const double largest = weights.empty() ? -kInfinity : *std::ranges::max_element(weights);
  if (largest == -kInfinity) return std::vector<double>(weights.size(), 0.0);
  for (double& weight : weights) weight = std::exp(weight - largest);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (double& weight : weights) weight /= sum;
  return weights;
}

AttentionModel::AttentionModel(const AttentionInputs& inputs, std::span<const TokenIndex> tokens)
    : q(shared(inputs.q)),
      k(shared(inputs.k)),
      v(shared(inputs.v)),
      mask(std::make_shared<const reference::AttentionMask<double>>(
          reference::attention_mask<double>(inputs, reference::all_rows(inputs.q.dim(0), inputs.q.dim(2))))),
      scale(score_scale(inputs.scale, inputs.q.dim(3))),
      kv_head([queries = heads() / kv_heads()](std::int64_t h) { return h / queries; }),
      kv_sample([](std::int64_t b) { return b; }),
      mask_row([](const reference::RowIndex& at) { return at; }),
      kept([mask = mask](const reference::RowIndex& at, std::int64_t key) {
        return mask->kept ? reference::broadcast_element(*mask->kept, at.b, at.h, at.i, key) : 1.0;
      }),
      sampled(tokens.begin(), tokens.end()) {}

reference::RowIndex AttentionModel::at(std::int64_t row) const {
  if (!sampled.empty()) {
    const auto& [sample, token] = sampled[static_cast<std::size_t>(row / heads())];
    return {sample, row % heads(), kv_head(row % heads()), token};
  }
  const std::int64_t h = row / tokens() % heads();
  return {row / tokens() / heads(), h, kv_head(h), row % tokens()};
}

ScoredRow AttentionModel::scored(const reference::RowIndex& at) const {
  const auto query = reference::row(*q, at.b, at.h, at.i);
  const reference::RowIndex masked_by = mask_row(at);
  ScoredRow result{at, {}, {}, {}};
  for (std::int64_t j = 0; j < keys(); ++j) {
    // A hidden key may hold anything, and only a formula that looks at it should suffer.
    const auto key = reference::row(*k, kv_sample(at.b), at.g, j);
    result.scores.push_back(scale * std::inner_product(query.begin(), query.end(), key.begin(), 0.0));
    result.visible.push_back(reference::broadcast_element(mask->visible, masked_by.b, masked_by.h, masked_by.i, j));
    if (mask->bias)
      result.bias.push_back(reference::broadcast_element(*mask->bias, masked_by.b, masked_by.h, masked_by.i, j));
  }
  return result;
}

std::vector<double> AttentionModel::weights(const reference::RowIndex& at) const {
  std::vector<double> weights = weigh(scored(at));
  for (std::size_t j = 0; j < weights.size(); ++j) weights[j] *= kept(at, static_cast<std::int64_t>(j));
  return weights;
}

std::span<const double> AttentionModel::value(const reference::RowIndex& at, std::int64_t key) const {
  return reference::row(*v, kv_sample(at.b), at.g, key);
}

std::vector<double> AttentionModel::output(std::int64_t row) const {
  const reference::RowIndex index = at(row);
  const std::vector<double> of_values = weights(index);
  std::vector<double> y(static_cast<std::size_t>(head_dim()), 0.0);
  for (std::size_t j = 0; j < of_values.size(); ++j) {
    if (of_values[j] == 0.0) continue;
    const auto values = value(index, static_cast<std::int64_t>(j));
    for (std::size_t c = 0; c < y.size(); ++c) y[c] += of_values[j] * values[c];
  }
  return y;
}

Hypothesis hypothesis(Finding finding, const AttentionModel& model, double slack) {
  return {std::move(finding), [model](std::int64_t row) { return model.output(row); }, slack};
}

}  // namespace attest::harness::explain
