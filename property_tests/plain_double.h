#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "fixtures/overloaded.h"
#include "fixtures/stage_inputs.h"

/// The formulas of the single stages as plain loops over doubles, with the localised error budget of each element: an
/// oracle that shares nothing with the implementations.
namespace attest::plain {

struct Judged {
  std::vector<double> truth, budget;
};

inline constexpr double kUnit = 0x1p-24;

inline double half_ulp(double value) {
  const double size = std::max(std::fabs(value), 0x1p-126);
  return std::ldexp(1.0, std::ilogb(size) - 24);
}

inline std::vector<double> doubles(const Tensor& tensor) { return to_doubles(tensor); }

inline Judged linear(const LinearInputs& in) {
  const auto x = doubles(in.x), w = doubles(in.weight);
  const auto bias = in.bias != nullptr ? doubles(*in.bias) : std::vector<double>();
  const std::size_t columns = in.weight.dim(0), depth = in.weight.dim(1);
  Judged out;
  for (std::size_t i = 0; i < x.size() / depth * columns; ++i) {
    const double* row = x.data() + i / columns * depth;
    const double* weights = w.data() + i % columns * depth;
    double sum = bias.empty() ? 0.0 : bias[i % columns], size = std::fabs(sum);
    for (std::size_t k = 0; k < depth; ++k) {
      sum += row[k] * weights[k];
      size += std::fabs(row[k] * weights[k]);
    }
    out.truth.push_back(sum);
    out.budget.push_back((std::sqrt(double(depth)) + 2) * kUnit * size + half_ulp(sum));
  }
  return out;
}

/// `positions` [b, s]; pairs (2i, 2i+1), or (i, i + h_d/2) if `halves`.
inline Judged rotary(const RotaryInputs& in, const std::vector<std::int64_t>& positions, bool halves) {
  const auto x = doubles(in.x), cos = doubles(in.tables.cos), sin = doubles(in.tables.sin);
  const std::size_t n = in.x.dim(2), h_d = in.x.dim(3), half = h_d / 2;
  Judged out{std::vector<double>(x.size()), std::vector<double>(x.size())};
  for (std::size_t row = 0; row < x.size() / h_d; ++row) {
    for (std::size_t i = 0; i < half; ++i) {
      const std::size_t a = row * h_d + (halves ? i : 2 * i), b = row * h_d + (halves ? i + half : 2 * i + 1);
      const double c = cos[positions[row / n] * half + i], s = sin[positions[row / n] * half + i];
      out.truth[a] = x[a] * c - x[b] * s;
      out.truth[b] = x[b] * c + x[a] * s;
      out.budget[a] = 2 * kUnit * (std::fabs(x[a] * c) + std::fabs(x[b] * s)) + half_ulp(out.truth[a]);
      out.budget[b] = 2 * kUnit * (std::fabs(x[b] * c) + std::fabs(x[a] * s)) + half_ulp(out.truth[b]);
    }
  }
  return out;
}

inline Judged norm(const NormInputs& in) {
  const auto x = doubles(in.x), scale = doubles(in.scale);
  const std::size_t h_d = scale.size();
  const double eps = std::get<RMSNorm>(in.norm).eps;
  Judged out;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double* row = x.data() + i / h_d * h_d;
    double squares = 0;
    for (std::size_t c = 0; c < h_d; ++c) squares += row[c] * row[c];
    const double y = x[i] / std::sqrt(squares / double(h_d) + eps) * scale[i % h_d];
    out.truth.push_back(y);
    out.budget.push_back((std::sqrt(double(h_d)) + 8) * kUnit * std::fabs(y) + half_ulp(y));
  }
  return out;
}

/// The first token of the document that `token` belongs to.
inline std::size_t document_start(const Tensor& seq_lens, std::size_t sample, std::size_t token) {
  const auto lengths = seq_lens.as<std::int64_t>();
  std::size_t next = seq_lens.dim(0) == 1 ? 0 : sample * seq_lens.dim(1), start = 0;
  while (token >= start + lengths[next]) start += lengths[next++];
  return start;
}

/// What is added to the score of (sample, token, key); -infinity hides the key.
inline double mask_bias(const AttentionInputs& in, std::size_t sample, std::size_t token, std::size_t key) {
  constexpr double hidden = -std::numeric_limits<double>::infinity();
  if (in.is_causal && key > token) return hidden;
  const auto at = [&](const Tensor& m) {
    const std::size_t rows = m.dim(1), columns = m.dim(2);
    return ((m.dim(0) == 1 ? 0 : sample) * rows + (rows == 1 ? 0 : token)) * columns + (columns == 1 ? 0 : key);
  };
  return std::visit(
      overloaded{[](const NoMask&) { return 0.0; },
                 [&](const BoolMask& m) { return m.values.as<std::uint8_t>()[at(m.values)] ? 0.0 : hidden; },
                 [&](const FloatMask& m) { return double(m.values.as<float>()[at(m.values)]); },
                 [&](const PackedBlockCausalMask& m) {
                   return key <= token && key >= document_start(m.seq_lens, sample, token) ? 0.0 : hidden;
                 },
                 [](const BlockMask&) -> double { throw std::logic_error("a BlockMask has tests of its own"); }},
      in.mask);
}

/// One query row: softmax over the visible keys in double, and the budget of parity_criterion.md.
inline Judged attention_row(const AttentionInputs& in, std::size_t row, std::span<const float> q_all,
                            std::span<const float> k_all, std::span<const float> v_all) {
  const std::size_t n_h = in.q.dim(1), s_x = in.q.dim(2), h_d = in.q.dim(3), n_kv = in.k.dim(1), s_k = in.k.dim(2);
  const std::size_t token = row % s_x, head = row / s_x % n_h, sample = row / s_x / n_h;
  const std::size_t kv = (sample * n_kv + head / (n_h / n_kv)) * s_k * h_d;
  const double sigma = 1 / std::sqrt(double(h_d));
  std::vector<double> score, size;
  std::vector<std::size_t> keys;
  double largest = -std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < s_k; ++j) {
    const double bias = mask_bias(in, sample, token, j);
    if (bias == -std::numeric_limits<double>::infinity()) continue;
    double s = 0, a = 0;
    for (std::size_t c = 0; c < h_d; ++c) {
      const double term = double(q_all[row * h_d + c]) * k_all[kv + j * h_d + c];
      s += term;
      a += std::fabs(term);
    }
    keys.push_back(j);
    score.push_back(sigma * s + bias);
    size.push_back(sigma * a + std::fabs(bias));
    largest = std::max(largest, score.back());
  }
  double total = 0, mean_size = 0;
  for (auto s : score) total += std::exp(s - largest);
  for (std::size_t i = 0; i < keys.size(); ++i) mean_size += std::exp(score[i] - largest) / total * size[i];
  const double c_d = std::sqrt(double(h_d)) + 2, c_s = 2 * std::sqrt(double(keys.size())) + 8;
  Judged out{std::vector<double>(h_d), std::vector<double>(h_d)};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const double p = std::exp(score[i] - largest) / total;
    const double factor = kUnit * (c_d * (size[i] + mean_size) + std::fabs(score[i] - largest) + c_s);
    for (std::size_t c = 0; c < h_d; ++c) {
      const double v = v_all[kv + keys[i] * h_d + c];
      out.truth[c] += p * v;
      out.budget[c] += p * std::fabs(v) * factor;
    }
  }
  for (std::size_t c = 0; c < h_d; ++c) out.budget[c] += half_ulp(out.truth[c]);
  if (keys.empty()) std::ranges::fill(out.budget, 0.0);
  return out;
}

inline Judged attention(const AttentionInputs& in) {
  Judged out;
  for (std::size_t row = 0; row < static_cast<std::size_t>(in.q.size() / in.q.dim(3)); ++row) {
    const Judged one = attention_row(in, row, in.q.as<float>(), in.k.as<float>(), in.v.as<float>());
    out.truth.insert(out.truth.end(), one.truth.begin(), one.truth.end());
    out.budget.insert(out.budget.end(), one.budget.begin(), one.budget.end());
  }
  return out;
}

/// e: the largest share of its budget that an element uses. Infinite where classes differ or a size does.
inline double share_of_budget(const Tensor& ours, const Judged& judged) {
  constexpr double rejected = std::numeric_limits<double>::infinity();
  const auto values = ours.as<float>();
  if (values.size() != judged.truth.size() || values.empty()) return rejected;
  double e = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double y = values[i], truth = judged.truth[i], error = std::fabs(y - truth);
    if (std::isnan(truth) && std::isnan(y)) continue;
    if (std::isinf(truth) && y == truth) continue;
    const bool accepted = std::isfinite(y) && std::isfinite(truth) && error <= 1e6 * judged.budget[i];
    if (!accepted) return rejected;
    if (error > 0) e = std::max(e, error / judged.budget[i]);
  }
  return e;
}

}  // namespace attest::plain
