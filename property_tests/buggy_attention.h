#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "fixtures/stage_inputs.h"

/// Attention in plain float32 loops, with places where a test puts a bug. It shares nothing with the harness.
namespace attest::property_tests {

struct KernelRow {
  std::int64_t b, h, i;
  std::vector<float> scores;   ///< q k, times the scale [s_k]
  std::vector<bool> visible;   ///< [s_k]
  std::vector<float> weights;  ///< after the softmax, before the values [s_k]
  float largest = 0.0F, sum = 0.0F;
};

struct BuggyAttention {
  std::function<float(float h_d)> scale = [](float h_d) { return 1.0F / std::sqrt(h_d); };
  std::function<std::int64_t(std::int64_t h, std::int64_t n_h, std::int64_t n_kv)> kv_head =
      [](std::int64_t h, std::int64_t n_h, std::int64_t n_kv) { return h / (n_h / n_kv); };
  std::function<void(KernelRow&)> on_scores = [](KernelRow&) {};
  std::function<float(float)> exp = [](float x) { return std::exp(x); };
  std::function<void(KernelRow&)> on_weights = [](KernelRow&) {};  ///< weights are exp, `sum` is set, not yet divided
  std::function<float(float)> store = [](float y) { return y; };

  Tensor operator()(const AttentionInputs& in) const {
    Tensor out(DType::float32, in.q.shape());
    KernelRow row{};
    for (row.b = 0; row.b < in.q.dim(0); ++row.b) {
      for (row.h = 0; row.h < in.q.dim(1); ++row.h) {
        for (row.i = 0; row.i < in.q.dim(2); ++row.i) compute(in, row, out);
      }
    }
    return out;
  }

 private:
  static const float* vector_of(const Tensor& t, std::int64_t b, std::int64_t h, std::int64_t i) {
    return t.as<float>().data() + ((b * t.dim(1) + h) * t.dim(2) + i) * t.dim(3);
  }
  static float mask_at(const Tensor& mask, std::int64_t b, std::int64_t i, std::int64_t j) {
    const auto at = [&](std::size_t axis, std::int64_t index) { return mask.dim(axis) == 1 ? 0 : index; };
    const auto flat = static_cast<std::size_t>((at(0, b) * mask.dim(1) + at(1, i)) * mask.dim(2) + at(2, j));
    return mask.dtype() == DType::boolean ? static_cast<float>(mask.as<std::uint8_t>()[flat]) : mask.as<float>()[flat];
  }

  void score(const AttentionInputs& in, KernelRow& row, std::int64_t g) const {
    const std::int64_t h_d = in.q.dim(3);
    row.scores.clear();
    row.visible.clear();
    for (std::int64_t j = 0; j < in.k.dim(2); ++j) {
      const float *q = vector_of(in.q, row.b, row.h, row.i), *k = vector_of(in.k, row.b, g, j);
      float sum = 0.0F;
      for (std::int64_t c = 0; c < h_d; ++c) sum += q[c] * k[c];
      bool visible = !in.is_causal || j <= row.i;
      sum *= scale(static_cast<float>(h_d));
      if (const auto* mask = std::get_if<BoolMask>(&in.mask)) visible = mask_at(mask->values, row.b, row.i, j) != 0.0F;
      if (const auto* mask = std::get_if<FloatMask>(&in.mask)) sum += mask_at(mask->values, row.b, row.i, j);
      row.scores.push_back(sum);
      row.visible.push_back(visible && sum > -std::numeric_limits<float>::infinity());
    }
    row.largest = -std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      if (row.visible[j]) row.largest = std::max(row.largest, row.scores[j]);
    }
  }

  void compute(const AttentionInputs& in, KernelRow& row, Tensor& out) const {
    const std::int64_t g = kv_head(row.h, in.q.dim(1), in.k.dim(1));
    score(in, row, g);
    on_scores(row);
    row.weights.assign(row.scores.size(), 0.0F);
    row.sum = 0.0F;
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      if (row.visible[j]) row.weights[j] = exp(row.scores[j] - row.largest);
      row.sum += row.weights[j];
    }
    on_weights(row);
    float* y = const_cast<float*>(vector_of(out, row.b, row.h, row.i));
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      if (row.weights[j] == 0.0F) continue;
      const float* v = vector_of(in.v, row.b, g, static_cast<std::int64_t>(j));
      for (std::int64_t c = 0; c < in.q.dim(3); ++c) y[c] += row.weights[j] * v[c];
    }
    for (std::int64_t c = 0; c < in.q.dim(3); ++c) y[c] = store(row.sum == 0.0F ? 0.0F : y[c] / row.sum);
  }
};

/// Key j is seen where `sees` says.
inline BuggyAttention seeing(std::function<bool(const KernelRow&, std::int64_t j, bool visible)> sees) {
  BuggyAttention kernel;
  kernel.on_scores = [sees](KernelRow& row) {
    row.largest = -std::numeric_limits<float>::infinity();
    for (std::size_t j = 0; j < row.scores.size(); ++j) {
      row.visible[j] = sees(row, static_cast<std::int64_t>(j), row.visible[j]);
      if (row.visible[j]) row.largest = std::max(row.largest, row.scores[j]);
    }
  };
  return kernel;
}

/// Works on the weights and their sum before they are used.
inline BuggyAttention weighing(std::function<void(KernelRow&)> on_weights) {
  BuggyAttention kernel;
  kernel.on_weights = std::move(on_weights);
  return kernel;
}

}  // namespace attest::property_tests
