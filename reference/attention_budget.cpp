#include "reference/attention_budget.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <numeric>
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

/// One row of attention, and what its rounding errors are measured by.
struct BudgetedRow {
  const AttentionCall& call;
  RowIndex at;
  const AttentionRow<double>& weights;
  double scale;  ///< 1 / sqrt(h_d)
  double c_s;    ///< c_S u + u_P, for one Growth
  Growth growth;

  BudgetedRow(const AttentionCall& of, RowIndex index, const AttentionRow<double>& row, Growth how)
      : call(of),
        at(index),
        weights(row),
        scale(1 / std::sqrt(static_cast<double>(of.q.shape(3)))),
        c_s(softmax_factor(how, static_cast<double>(of.k.shape(2)), squared_groups(how, row, of.k.shape(2))) *
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

/// A_ij
double condition_of_logit(const BudgetedRow& budgeted, std::size_t n) {
  const auto query = budgeted.query(), key = budgeted.key(n);
  double sum = 0;
  for (std::size_t c = 0; c < query.size(); ++c) sum += std::fabs(query[c] * key[c]);
  return budgeted.scale * sum;
}

/// |bias_ij| of a float mask, or 0.
double bias_magnitude(const BudgetedRow& budgeted, std::size_t n) {
  const auto& bias = budgeted.call.mask.bias;
  return bias ? std::fabs((*bias)(budgeted.at.b, budgeted.at.i, budgeted.weights.keys[n])) : 0;
}

/// The bias swallows the score even in float64, whatever error the score has.
bool is_absorbed(const BudgetedRow& budgeted, std::size_t n) {
  const double bias = bias_magnitude(budgeted, n);
  return bias != 0 && bias + condition_of_logit(budgeted, n) == bias;
}

/// E_ij
double logit_error(const BudgetedRow& budgeted, std::size_t n) {
  if (is_absorbed(budgeted, n)) return 0;
  const auto query = budgeted.query(), key = budgeted.key(n);
  const double condition = condition_of_logit(budgeted, n);
  const double score = budgeted.scale * std::inner_product(query.begin(), query.end(), key.begin(), 0.0);
  const double addition =
      std::min({kUnitRoundoff * std::fabs(budgeted.weights.logits[n]), bias_magnitude(budgeted, n), std::fabs(score)});
  return logit_factor(budgeted.growth, static_cast<double>(query.size())) * kUnitRoundoff * condition + addition;
}

std::vector<double> logit_errors(const BudgetedRow& budgeted) {
  std::vector<double> errors(budgeted.size());
  for (std::size_t n = 0; n < errors.size(); ++n) errors[n] = logit_error(budgeted, n);
  return errors;
}

/// One for each product with a value, two for the division by the row's sum; and each weight, where it is stored, is
/// off by up to half the smallest subnormal. None where no key is seen.
void add_underflows(const BudgetedRow& budgeted, std::span<double> out) {
  if (budgeted.size() == 0) return;
  for (double& element : out) element += static_cast<double>(budgeted.call.k.shape(2) + 2) * kUnderflow;
  const double of_weight = half_ulp(0, budgeted.call.storage);
  for (std::size_t n = 0; n < budgeted.size(); ++n) {
    const auto value = budgeted.value(n);
    for (std::size_t c = 0; c < out.size(); ++c) out[c] += of_weight * std::fabs(value[c]);
  }
}

/// Localised: out [h_d] += sum_j p_ij |v_jc| [...]
void add_local(const BudgetedRow& budgeted, std::span<double> out) {
  add_underflows(budgeted, out);
  const auto& p = budgeted.weights.probabilities;
  const std::vector<double> errors = logit_errors(budgeted);
  double mean_error = 0;
  for (std::size_t n = 0; n < budgeted.size(); ++n) mean_error += p[n] * errors[n];
  for (std::size_t n = 0; n < budgeted.size(); ++n) {
    if (p[n] == 0) continue;
    const double share = p[n] * (errors[n] + mean_error + budgeted.difference(n) + budgeted.c_s);
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
    if (is_absorbed(budgeted, n)) continue;
    const auto dk = row(of(budgeted.growth, inputs.k), b, g, budgeted.weights.keys[n]);
    errors[n] += propagated_logit_error(budgeted, n, dq, dk);
  }
  return errors;
}

/// End to end: out [h_d] += everything but storing it.
void add_propagated(const BudgetedRow& budgeted, const std::vector<double>& logit_errors, const Array<double>& dv,
                    std::span<double> out) {
  add_underflows(budgeted, out);
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

}  // namespace

Budget attention_budget(const AttentionCall& call) {
  Budget budget{xt::zeros_like(call.y), xt::zeros_like(call.y)};
  for_each_row(call.q, call.k.shape(1), [&](RowIndex at) {
    const auto weights = attention_row(call.q, call.k, call.mask, at);
    add_local({call, at, weights, Growth::statistical}, row(budget.statistical, at.b, at.h, at.i));
    add_local({call, at, weights, Growth::worst_case}, row(budget.worst_case, at.b, at.h, at.i));
  });
  add_storage(budget, call.y, call.storage);
  return budget;
}

PropagatedAttention attention_budget(const AttentionCall& call, const AttentionInputBudgets& inputs) {
  PropagatedAttention result{{xt::zeros_like(call.y), xt::zeros_like(call.y)},
                             xt::zeros<double>({call.q.shape(0), call.q.shape(1), call.q.shape(2)})};
  for_each_row(call.q, call.k.shape(1), [&](RowIndex at) {
    const auto weights = attention_row(call.q, call.k, call.mask, at);
    for (const Growth growth : {Growth::statistical, Growth::worst_case}) {
      const BudgetedRow budgeted(call, at, weights, growth);
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

}  // namespace attest::reference
