#include "reference/attention_budget.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

namespace attest::reference {
namespace {

/// Sum of m^2 over the groups of m keys whose logits are equal in float32. A hidden key is a group of its own. In the
/// worst case all keys count as equal.
double squared_groups(Growth growth, const AttentionRow<double>& row, std::size_t keys) {
  if (growth == Growth::worst_case) return static_cast<double>(keys * keys);
  std::vector<std::uint32_t> logits;  // as bits, which sort fast: only equality matters, and -0 + 0 is 0
  for (const double logit : row.logits)
    logits.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(logit) + 0.0F));
  std::ranges::sort(logits);
  double sum = static_cast<double>(keys - logits.size());
  for (auto first = logits.begin(); first != logits.end();) {
    const auto end = std::find_if(first, logits.end(), [&](std::uint32_t logit) { return logit != *first; });
    sum += static_cast<double>((end - first) * (end - first));
    first = end;
  }
  return sum;
}

/// What a visible key's E_ij is made of.
struct LogitTerms {
  double condition;  ///< A_ij
  double addition;   ///< the rounding of score + bias, beside its factor u A_ij
  double storage;    ///< of scores that a kernel keeps in 16 bits
  bool absorbed;     ///< the bias swallows the score even in float64, whatever error the score has
};

/// |bias_ij| of a float mask, or 0.
double bias_magnitude(const AttentionCall& call, RowIndex at, std::int64_t key) {
  return call.mask.bias ? std::fabs((*call.mask.bias)(at.b, at.i, key)) : 0;
}

std::vector<LogitTerms> logit_terms(const AttentionCall& call, RowIndex at, const AttentionRow<double>& weights) {
  const auto query = row(call.q, at.b, at.h, at.i);
  const double scale = 1 / std::sqrt(static_cast<double>(query.size()));
  std::vector<LogitTerms> terms(weights.keys.size());
  for (std::size_t n = 0; n < terms.size(); ++n) {
    const auto key = row(call.k, at.b, at.g, weights.keys[n]);
    double magnitudes = 0, score = 0;
    for (std::size_t c = 0; c < query.size(); ++c) {
      const double product = query[c] * key[c];
      magnitudes += std::fabs(product);
      score += product;
    }
    const double condition = scale * magnitudes, bias = bias_magnitude(call, at, weights.keys[n]);
    const double addition = std::min({kUnitRoundoff * std::fabs(weights.logits[n]), bias, std::fabs(scale * score)});
    const bool absorbed = bias != 0 && bias + condition == bias;
    const double storage = (absorbed ? 0 : score_roundoff(scale * score, call.scores)) +
                           (call.mask.bias ? score_roundoff(weights.logits[n], call.scores) : 0);
    terms[n] = {condition, addition, storage, absorbed};
  }
  return terms;
}

/// [h_d]: one underflow for each product with a value, two for the division by the row's sum; and each weight, where it
/// is stored, is off by up to half the smallest subnormal. None where no key is seen.
std::vector<double> underflows_of(const AttentionCall& call, RowIndex at, const AttentionRow<double>& weights) {
  const std::size_t h_d = call.v.shape(3);
  if (weights.keys.empty()) return std::vector(h_d, 0.0);
  std::vector<double> sum(h_d, static_cast<double>(call.k.shape(2) + 2) * kUnderflow);
  const double of_weight = half_ulp(0, call.storage);
  for (const auto key : weights.keys) {
    const auto value = row(call.v, at.b, at.g, key);
    for (std::size_t c = 0; c < h_d; ++c) sum[c] += of_weight * std::fabs(value[c]);
  }
  return sum;
}

/// What the bounds of a row have in common, whichever way errors are taken to grow.
struct RowTerms {
  AttentionRow<double> weights;
  std::vector<LogitTerms> logits;
  std::vector<double> underflows;
};

RowTerms row_terms(const AttentionCall& call, RowIndex at) {
  auto weights = attention_row(call.q, call.k, call.mask, at);
  auto logits = logit_terms(call, at, weights);
  auto underflows = underflows_of(call, at, weights);
  return {std::move(weights), std::move(logits), std::move(underflows)};
}

/// One row of attention, and what its rounding errors are measured by.
struct BudgetedRow {
  const AttentionCall& call;
  RowIndex at;
  const AttentionRow<double>& weights;
  const std::vector<LogitTerms>& logits;
  const std::vector<double>& underflows;
  double scale;  ///< 1 / sqrt(h_d)
  double c_s;    ///< c_S u + u_P, for one Growth
  Growth growth;

  BudgetedRow(const AttentionCall& of, RowIndex index, const RowTerms& terms, Growth how)
      : call(of),
        at(index),
        weights(terms.weights),
        logits(terms.logits),
        underflows(terms.underflows),
        scale(1 / std::sqrt(static_cast<double>(of.q.shape(3)))),
        c_s(softmax_factor(how, static_cast<double>(of.k.shape(2)), squared_groups(how, weights, of.k.shape(2))) *
                kUnitRoundoff +
            probability_roundoff(of.storage)),
        growth(how) {}

  std::size_t size() const { return weights.keys.size(); }
  std::span<const double> query() const { return row(call.q, at.b, at.h, at.i); }
  std::span<const double> key(std::size_t n) const { return row(call.k, at.b, at.g, weights.keys[n]); }
  std::span<const double> value(std::size_t n) const { return row(call.v, at.b, at.g, weights.keys[n]); }
  std::span<const double> y() const { return row(call.y, at.b, at.h, at.i); }

  /// u |s_ij - m_i|
  double difference(std::size_t n) const {
    return kUnitRoundoff * std::fabs(weights.logits[n] - weights.largest_logit);
  }
};

/// E_ij of every visible key.
std::vector<double> logit_errors(const BudgetedRow& budgeted) {
  const double factor = logit_factor(budgeted.growth, static_cast<double>(budgeted.query().size())) * kUnitRoundoff;
  std::vector<double> errors(budgeted.size());
  std::ranges::transform(budgeted.logits, errors.begin(), [&](const LogitTerms& logit) {
    return logit.storage + (logit.absorbed ? 0 : factor * logit.condition + logit.addition);
  });
  return errors;
}

void add(const std::vector<double>& terms, std::span<double> out) {
  std::ranges::transform(out, terms, out.begin(), std::plus());
}

/// What errors of the logits do to each probability, as a share of it.
std::vector<double> probability_errors(const BudgetedRow& budgeted, std::vector<double> errors) {
  const auto& p = budgeted.weights.probabilities;
  const bool small = budgeted.call.scores == ScoreStorage::float32;
  double mean = 0;
  for (std::size_t n = 0; n < errors.size(); ++n) {
    if (p[n] > 0) mean += p[n] * (small ? errors[n] : std::expm1(errors[n]));
  }
  for (double& error : errors) error = small ? error + mean : std::expm1(error + std::log1p(mean));
  return errors;
}

/// Localised: out [h_d] += sum_j p_ij |v_jc| [...]
void add_local(const BudgetedRow& budgeted, const std::vector<double>& logit_errors, std::span<double> out) {
  add(budgeted.underflows, out);
  const auto& p = budgeted.weights.probabilities;
  const std::vector<double> errors = probability_errors(budgeted, logit_errors);
  for (std::size_t n = 0; n < budgeted.size(); ++n) {
    if (p[n] == 0) continue;
    const double share = p[n] * (errors[n] + budgeted.difference(n) + budgeted.c_s);
    const auto value = budgeted.value(n);
    for (std::size_t c = 0; c < out.size(); ++c) out[c] += share * std::fabs(value[c]);
  }
}

/// The part of D_ij that the inputs' budgets cause.
double propagated_logit_error(const BudgetedRow& budgeted, std::size_t n, std::span<const double> dq,
                              std::span<const double> dk) {
  const auto query = budgeted.query(), key = budgeted.key(n);
  double squares = 0, sum = 0;
  for (std::size_t c = 0; c < query.size(); ++c) {
    const double from_q = std::fabs(key[c] * dq[c]), from_k = std::fabs(query[c] * dk[c]);
    squares += from_q * from_q + from_k * from_k;
    sum += from_q + from_k;
  }
  return budgeted.scale * (budgeted.growth == Growth::statistical ? kKappa * std::sqrt(squares) : sum);
}

const Array<double>& of(Growth growth, const Budget& budget) {
  return growth == Growth::statistical ? budget.statistical : budget.worst_case;
}

/// D_ij of every visible key.
std::vector<double> propagated_logit_errors(const BudgetedRow& budgeted, const AttentionInputBudgets& inputs) {
  const auto [b, h, g, i] = budgeted.at;
  const auto dq = row(of(budgeted.growth, inputs.q), b, h, i);
  std::vector<double> errors = logit_errors(budgeted);
  for (std::size_t n = 0; n < errors.size(); ++n) {
    if (budgeted.logits[n].absorbed) continue;
    const auto dk = row(of(budgeted.growth, inputs.k), b, g, budgeted.weights.keys[n]);
    errors[n] += propagated_logit_error(budgeted, n, dq, dk);
  }
  return errors;
}

/// End to end: out [h_d] += everything but storing it.
void add_propagated(const BudgetedRow& budgeted, const std::vector<double>& logit_errors, const Array<double>& dv,
                    std::span<double> out) {
  add(budgeted.underflows, out);
  const auto& weights = budgeted.weights;
  const auto y = budgeted.y();
  const bool statistical = budgeted.growth == Growth::statistical;
  std::vector<double> from_values(out.size(), 0.0);
  for (std::size_t n = 0; n < weights.keys.size(); ++n) {
    const double p = weights.probabilities[n];
    if (p == 0) continue;
    const double logit = p * (std::expm1(logit_errors[n]) + budgeted.difference(n));
    const auto value = budgeted.value(n);
    const auto value_error = row(dv, budgeted.at.b, budgeted.at.g, weights.keys[n]);
    for (std::size_t c = 0; c < out.size(); ++c) {
      out[c] += logit * std::fabs(value[c] - y[c]) + budgeted.c_s * p * std::fabs(value[c]);
      const double moved = p * value_error[c];
      from_values[c] += statistical ? moved * moved : moved;
    }
  }
  for (std::size_t c = 0; c < out.size(); ++c) {
    out[c] += statistical ? kKappa * std::sqrt(from_values[c]) : from_values[c];
  }
}

/// The largest D_ij on a key that matters: p_ij exp(D_ij) >= kShareThatMatters, compared in logarithms.
double condition_of(const AttentionRow<double>& weights, const std::vector<double>& logit_errors) {
  double sum = 0;
  for (const double logit : weights.logits) sum += std::exp(logit - weights.largest_logit);
  double largest = 0;
  for (std::size_t n = 0; n < logit_errors.size(); ++n) {
    const double log_p = weights.logits[n] - weights.largest_logit - std::log(sum);
    if (log_p + logit_errors[n] >= std::log(kShareThatMatters)) largest = std::max(largest, logit_errors[n]);
  }
  return largest;
}

BudgetedAttention nothing_yet(const AttentionCall& call) {
  return {{xt::zeros_like(call.y), xt::zeros_like(call.y)},
          xt::zeros<double>({call.q.shape(0), call.q.shape(1), call.q.shape(2)})};
}

}  // namespace

BudgetedAttention attention_budget(const AttentionCall& call) {
  BudgetedAttention result = nothing_yet(call);
  for_each_row(call.q, call.k.shape(1), [&](RowIndex at) {
    const RowTerms terms = row_terms(call, at);
    const BudgetedRow statistical(call, at, terms, Growth::statistical), worst(call, at, terms, Growth::worst_case);
    const auto errors = logit_errors(statistical);
    add_local(statistical, errors, row(result.budget.statistical, at.b, at.h, at.i));
    add_local(worst, logit_errors(worst), row(result.budget.worst_case, at.b, at.h, at.i));
    if (call.scores != ScoreStorage::float32) result.condition(at.b, at.h, at.i) = condition_of(terms.weights, errors);
  });
  add_storage(result.budget, call.y, call.storage);
  return result;
}

BudgetedAttention attention_budget(const AttentionCall& call, const AttentionInputBudgets& inputs) {
  BudgetedAttention result = nothing_yet(call);
  for_each_row(call.q, call.k.shape(1), [&](RowIndex at) {
    const RowTerms terms = row_terms(call, at);
    for (const Growth growth : {Growth::statistical, Growth::worst_case}) {
      const BudgetedRow budgeted(call, at, terms, growth);
      const auto errors = propagated_logit_errors(budgeted, inputs);
      const bool statistical = growth == Growth::statistical;
      Array<double>& out = statistical ? result.budget.statistical : result.budget.worst_case;
      add_propagated(budgeted, errors, of(growth, inputs.v), row(out, at.b, at.h, at.i));
      if (statistical) result.condition(at.b, at.h, at.i) = condition_of(budgeted.weights, errors);
    }
  });
  add_storage(result.budget, call.y, call.storage);
  return result;
}

Array<double> worst_head(const Array<double>& condition) {
  Array<double> worst = xt::zeros<double>({condition.shape(0), condition.shape(2)});
  for (std::size_t b = 0; b < condition.shape(0); ++b) {
    for (std::size_t h = 0; h < condition.shape(1); ++h) {
      for (std::size_t i = 0; i < condition.shape(2); ++i) worst(b, i) = std::max(worst(b, i), condition(b, h, i));
    }
  }
  return worst;
}

}  // namespace attest::reference
