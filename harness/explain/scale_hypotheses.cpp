#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/rounded.h"

namespace attest::harness::explain {
namespace {

struct WrongScale {
  std::string id, words;
  double value;
};

std::vector<WrongScale> wrong_scales(const AttentionModel& right) {
  const double h_d = static_cast<double>(right.head_dim()), scale = right.scale;
  const double n_h = static_cast<double>(right.heads());
  const auto over_root = [](double n) { return 1 / std::sqrt(n); };
  std::vector<WrongScale> scales = {
      {"scale_missing", "the scale is missing", 1.0},
      {"scale_ignored", "the scale is 1/sqrt(h_d), not the one that is given", over_root(h_d)},
      {"scale_twice", "the scale is applied twice: scores are divided by h_d, not by its root", scale * scale},
      {"scale_wrong_dimension", "scores are multiplied by sqrt(h_d) instead of divided", 1 / scale},
      {"scale_wrong_dimension", "the scale is taken of n_h h_d instead of h_d", over_root(n_h * h_d)},
      {"scale_wrong_dimension", "the scale is taken of n_kv h_d instead of h_d",
       over_root(static_cast<double>(right.kv_heads()) * h_d)},
      {"scale_wrong_dimension", "the scale is taken of n_h instead of h_d", over_root(n_h)},
      {"scale_wrong_dimension", "the scale is taken of s_k instead of h_d",
       over_root(static_cast<double>(right.keys()))},
      {"scale_wrong_dimension", "the scale is taken of s_x instead of h_d",
       over_root(static_cast<double>(right.tokens()))},
      {"scale_wrong_dimension", "the scale is taken of h_d/2 instead of h_d", over_root(h_d / 2)},
      {"scale_wrong_dimension", "the scale is taken of 2 h_d instead of h_d", over_root(2 * h_d)},
      {"scale_wrong_dimension", "the scale is taken of h_d + 1", over_root(h_d + 1)},
      {"scale_rounded", "the scale is rounded to bfloat16", in_bfloat16(scale)},
      {"scale_rounded", "the scale is rounded to float16", in_eleven_bits(scale)},
      {"exp_base", "2^x is computed where e^x is meant", scale * std::numbers::ln2},
      {"exp_base", "the factor log2(e) is applied twice", scale * std::numbers::log2e},
  };
  for (const double multiple : {4.0, 8.0, 16.0, 32.0, 64.0}) {
    const double padded = std::ceil(h_d / multiple) * multiple;
    scales.push_back({"scale_wrong_dimension",
                      fmt::format("the scale is taken of the padded size {:g} instead of h_d", padded),
                      over_root(padded)});
  }
  return scales;
}

}  // namespace

Hypotheses scale_hypotheses(const AttentionModel& right) {
  Hypotheses all;
  for (const auto& [id, words, value] : wrong_scales(right)) {
    if (value == right.scale) continue;
    AttentionModel wrong = right;
    wrong.scale = value;
    all.push_back(hypothesis({id, words}, wrong));
  }
  return all;
}

}  // namespace attest::harness::explain
