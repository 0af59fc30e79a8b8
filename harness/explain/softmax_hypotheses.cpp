#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/rounded.h"
#include "reference/arrays.h"

namespace attest::harness::explain {
namespace {

constexpr double kSmallestNormal = 0x1p-126;

enum class Unscaled { values, sum, both };

/// An online softmax that, meeting a larger logit in a later block, rescales only part of what it has so far.
Weigh not_rescaled(std::size_t block, Unscaled what) {
  return [block, what](const ScoredRow& row) {
    const std::vector<double> logits = row.logits();
    std::vector<double> late = softmax(row), early(late.size(), 0.0);
    double largest = -kInfinity;
    for (std::size_t first = 0; first < logits.size(); first += block) {
      const std::size_t end = std::min(first + block, logits.size());
      for (std::size_t j = first; j < end; ++j) largest = std::max(largest, logits[j]);
      for (std::size_t j = first; j < end && largest > -kInfinity; ++j) early[j] = std::exp(logits[j] - largest);
    }
    double late_sum = 0.0;
    for (const double logit : logits) late_sum += logit == -kInfinity ? 0.0 : std::exp(logit - largest);
    const double early_sum = std::accumulate(early.begin(), early.end(), 0.0);
    if (late_sum == 0.0) return late;
    const double sum = what == Unscaled::values ? late_sum : early_sum;
    for (std::size_t j = 0; j < late.size(); ++j)
      late[j] = (what == Unscaled::sum ? late[j] * late_sum : early[j]) / sum;
    return late;
  };
}

enum class Below { clamped, dropped };

/// exp of anything below `bound` is exp(bound), or nothing.
Weigh bounded_exp(double bound, Below below) {
  return [bound, below](const ScoredRow& row) {
    std::vector<double> weights = row.logits();
    const double largest = *std::ranges::max_element(weights);
    if (largest == -kInfinity) return softmax(row);
    for (double& weight : weights) {
      if (weight == -kInfinity) {
        weight = 0.0;
      } else if (weight - largest < bound) {
        weight = below == Below::clamped ? std::exp(bound) : 0.0;
      } else {
        weight = std::exp(weight - largest);
      }
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (double& weight : weights) weight /= sum;
    return weights;
  };
}

std::vector<double> with_rounded_scores(const ScoredRow& row) {
  ScoredRow rounded = row;
  rounded.scores = row.logits();
  for (double& logit : rounded.scores) logit = in_bfloat16(logit);
  rounded.bias.clear();
  return softmax(rounded);
}

/// exp(logit - largest so far) rounded before it meets the values, block by block; the sum is not.
Weigh with_rounded_probabilities(std::size_t block) {
  return [block](const ScoredRow& row) {
    const std::vector<double> logits = row.logits();
    std::vector<double> weights = softmax(row);
    double largest = -kInfinity, highest = *std::ranges::max_element(logits);
    for (std::size_t first = 0; first < logits.size(); first += block) {
      const std::size_t end = std::min(first + block, logits.size());
      for (std::size_t j = first; j < end; ++j) largest = std::max(largest, logits[j]);
      for (std::size_t j = first; j < end; ++j) {
        const double early = std::exp(logits[j] - largest);
        if (!(early > 0.0)) continue;
        weights[j] *= in_bfloat16(early) / early;
      }
      if (highest == -kInfinity) break;
    }
    return weights;
  };
}

std::vector<double> not_divided(const ScoredRow& row) {
  std::vector<double> weights = row.logits();
  const double largest = *std::ranges::max_element(weights);
  for (double& weight : weights) weight = largest == -kInfinity ? 0.0 : std::exp(weight - largest);
  return weights;
}

double flushed(double value) { return std::fabs(value) < kSmallestNormal ? 0.0 : value; }

Hypothesis flushing(const AttentionModel& right) {
  return {{"flush_to_zero", "numbers below the normal range of float32 are flushed to zero"},
          [right](std::int64_t row) {
            const auto at = right.at(row);
            const std::vector<double> weights = right.weights(at);
            std::vector<double> y(static_cast<std::size_t>(right.head_dim()), 0.0);
            for (std::size_t j = 0; j < weights.size(); ++j) {
              if (weights[j] == 0.0) continue;
              const auto values = right.value(at, static_cast<std::int64_t>(j));
              for (std::size_t c = 0; c < y.size(); ++c) y[c] += weights[j] * flushed(values[c]);
            }
            std::ranges::transform(y, y.begin(), flushed);
            return y;
          }};
}

using Rounding = double (*)(double);

std::shared_ptr<const Array<double>> rounded(const Array<double>& values, Rounding rounding) {
  Array<double> result = values;
  std::ranges::transform(result, result.begin(), rounding);
  return std::make_shared<const Array<double>>(std::move(result));
}

void add_rounded_operands(Hypotheses& all, const AttentionModel& right, const std::string& to, Rounding rounding) {
  AttentionModel queries = right, values = right;
  queries.q = rounded(*right.q, rounding);
  queries.k = rounded(*right.k, rounding);
  values.v = rounded(*right.v, rounding);
  AttentionModel everything = queries;
  everything.v = values.v;
  all.push_back(
      hypothesis({"operands_rounded", "q and k are rounded to " + to + " before they are multiplied"}, queries));
  all.push_back(hypothesis({"operands_rounded", "v is rounded to " + to}, values));
  all.push_back(hypothesis({"operands_rounded", "q, k and v are rounded to " + to}, everything));
}

void add_online(Hypotheses& all, const AttentionModel& right) {
  const auto add = [&](std::string id, std::string words, Weigh weigh) {
    AttentionModel wrong = right;
    wrong.weigh = std::move(weigh);
    all.push_back(hypothesis({std::move(id), std::move(words)}, wrong));
  };
  for (const std::size_t block : {1, 2, 4, 8, 16, 32, 64, 128, 256}) {
    if (static_cast<std::int64_t>(block) >= right.keys()) break;
    const std::string of = fmt::format(" (as with blocks of {} keys)", block);
    add("no_rescaling", "the sum over V is not rescaled when a later block holds a larger logit" + of,
        not_rescaled(block, Unscaled::values));
    add("no_rescaling", "the row's sum is not rescaled when a later block holds a larger logit" + of,
        not_rescaled(block, Unscaled::sum));
    add("no_rescaling", "neither sum is rescaled when a later block holds a larger logit" + of,
        not_rescaled(block, Unscaled::both));
  }
  for (const double bound : {-5.0, -8.0, -10.0, -12.0, -14.0, -15.0, -16.0, -20.0, -25.0, -30.0, -40.0}) {
    add("exp_clamped", fmt::format("exp is clamped: an argument below {} counts as {}", bound, bound),
        bounded_exp(bound, Below::clamped));
    add("exp_cut_off", fmt::format("exp of an argument below {} is taken for zero", bound),
        bounded_exp(bound, Below::dropped));
  }
  add("not_normalised", "the result is not divided by the row's sum", not_divided);
}

/// The scores in float16, before the scale or after it: beyond 65504 they are infinite, and their row is NaN.
Weigh with_float16_scores(double scale) {
  return [scale](const ScoredRow& row) {
    ScoredRow rounded = row;
    for (double& score : rounded.scores) score = scale * in_float16(score / scale);
    const bool overflows = std::ranges::max(rounded.logits()) == kInfinity;
    if (overflows) return std::vector<double>(row.scores.size(), std::numeric_limits<double>::quiet_NaN());
    return softmax(rounded);
  };
}

void add_rounded_weights(Hypotheses& all, const AttentionModel& right) {
  AttentionModel wrong = right;
  wrong.weigh = with_float16_scores(right.scale);
  all.push_back(hypothesis(
      {"scores_in_float16", "q k is held in float16 before it is scaled: beyond 65504 it is infinite"}, wrong));
  wrong.weigh = with_float16_scores(1.0);
  all.push_back(
      hypothesis({"scores_in_float16", "the scores are held in float16: beyond 65504 they are infinite"}, wrong));
  wrong.weigh = with_rounded_scores;
  all.push_back(hypothesis({"scores_rounded", "the scores are rounded to bfloat16 before the softmax"}, wrong));
  for (const std::size_t block : {1, 4, 8, 16, 32, 64, 1 << 30}) {
    wrong.weigh = with_rounded_probabilities(block);
    all.push_back(
        hypothesis({"probabilities_rounded", "the probabilities are rounded to bfloat16 before they meet V"}, wrong));
  }
}

/// Scores that leave out the channels after the last whole group.
void add_channels_missing(Hypotheses& all, const AttentionModel& right) {
  for (const std::int64_t group : {2, 4, 8, 16, 32, 64}) {
    const std::int64_t left = right.head_dim() % group;
    if (left == 0 || left == right.head_dim()) continue;
    Array<double> shorter = *right.q;
    for (std::size_t at = 0; at < shorter.size(); ++at) {
      const auto channel = static_cast<std::int64_t>(at % right.q->shape(3));
      if (channel >= right.head_dim() - left) shorter.data()[at] = 0.0;
    }
    AttentionModel wrong = right;
    wrong.q = std::make_shared<const Array<double>>(std::move(shorter));
    all.push_back(hypothesis({"score_channels_missing",
                              fmt::format("the scores leave out the last {} of {} channels, which fill no group of {}",
                                          left, right.head_dim(), group)},
                             wrong));
  }
}

}  // namespace

Hypotheses softmax_hypotheses(const AttentionModel& right) {
  Hypotheses all;
  add_channels_missing(all, right);
  add_online(all, right);
  all.push_back(flushing(right));
  add_rounded_operands(all, right, "bfloat16", in_bfloat16);
  add_rounded_operands(all, right, "float16", in_float16);
  add_rounded_weights(all, right);
  return all;
}

}  // namespace attest::harness::explain
