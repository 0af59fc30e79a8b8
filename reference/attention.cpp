#include "reference/attention.h"

#include <algorithm>
#include <limits>

#include "reference/arrays.h"
#include "reference/products.h"

namespace attest::reference {
namespace {

/// Consecutive rows of one head.
struct Rows {
  RowIndex first;
  std::int64_t count;
};

/// Calls visit(Rows) for all rows, as many of a head at a time as keep an array [rows, s_k] at 2 MiB.
template <class T, class Visit>
void for_each_rows(const AttentionCall<T>& call, Visit visit) {
  constexpr std::int64_t kElements = 1 << 18;
  const std::int64_t n_h = extent(call.q, 1), s_x = extent(call.q, 2), q_per_kv = n_h / extent(call.k, 1);
  const std::int64_t at_once = std::max<std::int64_t>(1, kElements / std::max<std::int64_t>(1, extent(call.k, 2)));
  for (std::int64_t b = 0; b < extent(call.q, 0); ++b) {
    for (std::int64_t h = 0; h < n_h; ++h) {
      for (std::int64_t i = 0; i < s_x; i += at_once) visit(Rows{{b, h, h / q_per_kv, i}, std::min(at_once, s_x - i)});
    }
  }
}

/// [count, h_d] of heads [b, n, s, h_d], for reading or writing.
template <class Heads>
auto rows_of(Heads& heads, std::int64_t b, std::int64_t h, std::int64_t first, std::int64_t count) {
  return xt::view(heads, b, h, xt::range(first, first + count), xt::all());
}

template <class Heads>
auto query_rows(Heads& heads, const Rows& at) {
  return rows_of(heads, at.first.b, at.first.h, at.first.i, at.count);
}

template <class T>
Array<T> head_of(const Array<T>& keys_or_values, const RowIndex& at) {
  return rows_of(keys_or_values, at.b, at.g, 0, extent(keys_or_values, 2));
}

/// [count, s_k] of a mask's array.
template <class T>
Array<T> mask_rows(const Array<T>& mask, const Rows& at, std::size_t s_k) {
  const auto along = [&](std::size_t axis, std::int64_t index) { return mask.shape(axis) == 1 ? 0 : index; };
  const std::int64_t first = along(2, at.first.i), end = first + along(2, at.count - 1) + 1;
  const auto rows = xt::view(mask, along(0, at.first.b), along(1, at.first.h), xt::range(first, end), xt::all());
  return repeated<T>(rows, static_cast<std::size_t>(at.count), s_k);
}

/// Weights [rows, n] times values [n, h_d]. What is no number reaches the rows that see it: 0 times NaN is NaN.
template <class T>
Array<T> weighted(const Array<T>& weights, const Array<bool>& visible, const Array<T>& values) {
  const Array<bool> finite = xt::isfinite(values);
  if (xt::all(finite)) return rows_times(weights, values, false);
  Array<T> sums = rows_times<T>(weights, xt::where(finite, values, T{0}), false);
  for (const auto& at : xt::argwhere(!finite)) {
    for (std::size_t i = 0; i < sums.shape(0); ++i) {
      if (visible(i, at[0])) sums(i, at[1]) += weights(i, at[0]) * values(at[0], at[1]);
    }
  }
  return sums;
}

/// What the rows make of the values [s_k, h_d]. Divided last: a mean of values with equal weights is then rounded once.
template <class T>
Array<T> means(const AttentionRows<T>& rows, const Array<T>& values) {
  const Array<T> sums = weighted(rows.parts, rows.visible, values);
  return sums / beside(rows.whole, sums);
}

}  // namespace

template <class T>
AttentionCall<T> attention_call(const AttentionInputs& inputs) {
  const auto rows = all_rows(inputs.q.dim(0), inputs.q.dim(2));
  return {to_array<T>(inputs.q), to_array<T>(inputs.k), to_array<T>(inputs.v), attention_mask<T>(inputs, rows),
          score_scale(inputs.scale, inputs.q.dim(3))};
}

template <class T>
AttentionRows<T> attention_rows(const AttentionCall<T>& call, const RowIndex& first, std::int64_t count) {
  using Limits = std::numeric_limits<T>;
  const Rows at{first, count};
  const std::size_t s_k = call.k.shape(2);
  AttentionRows<T> rows;
  rows.visible = mask_rows(call.mask.visible, at, s_k);
  rows.scores = static_cast<T>(call.scale) * rows_times<T>(query_rows(call.q, at), head_of(call.k, first), true);
  rows.logits = rows.scores;
  if (call.mask.bias) rows.logits += mask_rows(*call.mask.bias, at, s_k);
  rows.logits = xt::where(rows.visible, rows.logits, -Limits::infinity());

  const Array<T> top = xt::maximum(largest_of_rows<T>(rows.logits), Limits::lowest());
  rows.below_top = rows.logits - beside(top, rows.logits);
  rows.parts = xt::exp(rows.below_top);
  const Array<T> sum = sum_of_rows<T>(rows.parts);
  rows.whole = xt::where(xt::equal(sum, T{0}), T{1}, sum);
  rows.probabilities = rows.parts / beside(rows.whole, rows.parts);
  if (call.mask.kept) rows.parts *= mask_rows(*call.mask.kept, at, s_k);
  rows.weights = rows.parts / beside(rows.whole, rows.parts);
  return rows;
}

template <class T>
Array<T> attention(const AttentionCall<T>& call) {
  Array<T> y = xt::zeros<T>(call.q.shape());
  for_each_rows(call, [&](const Rows& at) {
    const AttentionRows<T> rows = attention_rows(call, at.first, at.count);
    query_rows(y, at) = means(rows, head_of(call.v, at.first));
  });
  return y;
}

namespace {

using Doubles = Array<double>;

const Doubles& of(Growth growth, const Budget& budget) {
  return growth == Growth::statistical ? budget.statistical : budget.worst_case;
}

/// score_roundoff of each score.
Doubles score_roundoffs(const Doubles& values, ScoreStorage scores) {
  if (scores == ScoreStorage::float32) return xt::zeros_like(values);
  return xt::vectorize([scores](double value) { return score_roundoff(value, scores); })(values);
}

/// Some rows of attention and what their errors are measured by, whichever way these are taken to grow.
class BudgetedRows {
 public:
  BudgetedRows(const AttentionCall<double>& call, const Rows& at, DType storage, ScoreStorage scores)
      : call_(call),
        at_(at),
        storage_(storage),
        scores_(scores),
        rows_(attention_rows(call, at.first, at.count)),
        q_(query_rows(call.q, at)),
        k_(head_of(call.k, at.first)),
        v_(head_of(call.v, at.first)),
        y_(means(rows_, v_)),
        counts_(xt::not_equal(rows_.probabilities, 0.0)),
        condition_(std::fabs(call.scale) * rows_times<double>(xt::abs(q_), xt::abs(k_), true)),
        storing_(score_roundoffs(rows_.scores, scores)) {
    if (!call.mask.bias) return;
    const Doubles bias = xt::abs(mask_rows(*call.mask.bias, at, k_.shape(0)));
    exact_ = xt::not_equal(bias, 0.0) && xt::equal(bias + condition_, bias);
    addition_ = xt::minimum(kUnitRoundoff * xt::abs(rows_.logits), xt::minimum(bias, xt::abs(rows_.scores)));
    storing_ = xt::where(exact_, 0.0, storing_) + score_roundoffs(rows_.logits, scores);
  }

  const Doubles& y() const { return y_; }

  /// E_ij, or D_ij with the budgets of the inputs.
  Doubles logit_errors(Growth growth, const AttentionInputBudgets* inputs) const {
    Doubles errors = logit_factor(growth, static_cast<double>(q_.shape(1))) * kUnitRoundoff * condition_;
    if (inputs != nullptr) {
      const double scale = std::fabs(call_.scale);
      const Doubles dq = query_rows(of(growth, inputs->q), at_), dk = head_of(of(growth, inputs->k), at_.first);
      if (growth == Growth::statistical) {
        const Doubles from_q = rows_times<double>(xt::square(dq), xt::square(k_), true);
        const Doubles from_k = rows_times<double>(xt::square(q_), xt::square(dk), true);
        errors += kKappa * scale * xt::sqrt(from_q + from_k);
      } else {
        errors += scale * (rows_times<double>(dq, xt::abs(k_), true) + rows_times<double>(xt::abs(q_), dk, true));
      }
    }
    if (call_.mask.bias) errors = xt::where(exact_, 0.0, errors + addition_);
    return errors + storing_;
  }

  /// [rows, h_d]: all of B_ic but half_ulp(y_ic).
  Doubles bounds(Growth growth, const Doubles& errors, const AttentionInputBudgets* inputs) const {
    const Doubles difference = kUnitRoundoff * xt::abs(rows_.below_top), c_s = softmax_roundoffs(growth);
    const Doubles visible = rows_.visible, underflows = (static_cast<double>(k_.shape(0)) + 2) * kUnderflow * visible;
    Doubles of_sizes = half_ulp(0, storage_) * visible;
    if (inputs == nullptr) {
      of_sizes += share(probability_errors(errors) + difference + c_s);
    } else {
      of_sizes += share(c_s);
    }
    Doubles bounds = weighted<double>(of_sizes, rows_.visible, xt::abs(v_)) + largest_of_rows(underflows);
    if (inputs != nullptr) {
      bounds += moved_by_logits(xt::expm1(errors) + difference) + moved_by_values(growth, of(growth, inputs->v));
    }
    return bounds;
  }

  /// The largest D_ij on a key that matters: p_ij exp(D_ij) >= kShareThatMatters, compared in logarithms.
  Doubles worst_logit(const Doubles& errors) const {
    const Doubles log_sum = xt::log(sum_of_rows(xt::exp(rows_.below_top)));
    const Doubles log_share = rows_.below_top - beside(log_sum, errors) + errors;
    return xt::amax(xt::where(rows_.visible && log_share >= std::log(kShareThatMatters), errors, 0.0), {1});
  }

 private:
  /// c_S u + u_P of each row, beside each weight.
  Doubles softmax_roundoffs(Growth growth) const {
    Doubles c_s = xt::zeros<double>({q_.shape(0), std::size_t{1}});
    for (std::size_t i = 0; i < c_s.size(); ++i) {  // groups are found by sorting
      const double groups = squared_groups(growth, row(rows_.logits, i), row(rows_.visible, i));
      const double units = softmax_factor(growth, static_cast<double>(k_.shape(0)), groups) + (call_.mask.kept ? 2 : 0);
      c_s(i, 0) = units * kUnitRoundoff + probability_roundoff(storage_);
    }
    return beside(c_s, condition_);
  }

  /// What errors of the logits do to each probability, as a share of it.
  Doubles probability_errors(const Doubles& errors) const {
    const bool small = scores_ == ScoreStorage::float32;
    const Doubles own = small ? errors : Doubles(xt::expm1(errors));
    const Doubles mean = sum_of_rows(xt::where(counts_, rows_.probabilities * own, 0.0));
    if (small) return errors + beside(mean, errors);
    return xt::expm1(errors + beside<double>(xt::log1p(mean), errors));
  }

  /// Of each weight; 0 where there is none, however wrong its logit is.
  Doubles share(const Doubles& relative) const { return xt::where(counts_, rows_.weights * relative, 0.0); }

  /// sum_j p_ij |r_ij v_jc - y_ic| relative_ij. A loop, since the difference is another matrix for each row.
  Doubles moved_by_logits(const Doubles& relative) const {
    Doubles moved = xt::zeros_like(y_);
    for (std::size_t i = 0; i < y_.shape(0); ++i) {
      const auto p = row(rows_.probabilities, i), weights = row(rows_.weights, i), errors = row(relative, i);
      const auto y = row(y_, i);
      const auto out = row(moved, i);
      for (std::size_t j = 0; j < p.size(); ++j) {
        if (p[j] == 0) continue;
        const auto v = row(v_, j);
        const double kept = weights[j] / p[j], moves = p[j] * errors[j];
        for (std::size_t c = 0; c < out.size(); ++c) out[c] += moves * std::fabs(kept * v[c] - y[c]);
      }
    }
    return moved;
  }

  Doubles moved_by_values(Growth growth, const Doubles& all_dv) const {
    const Doubles dv = head_of(all_dv, at_.first);
    if (growth == Growth::worst_case) return weighted(rows_.weights, rows_.visible, dv);
    return kKappa * xt::sqrt(weighted<double>(xt::square(rows_.weights), rows_.visible, xt::square(dv)));
  }

  const AttentionCall<double>& call_;
  Rows at_;
  DType storage_;
  ScoreStorage scores_;
  AttentionRows<double> rows_;
  Doubles q_, k_, v_, y_;
  Array<bool> counts_;  ///< p_ij is not 0
  Doubles condition_;   ///< A_ij
  Doubles storing_;     ///< of scores that a kernel keeps in 16 bits
  // only with a float mask
  Doubles addition_;   ///< rounding of score + bias
  Array<bool> exact_;  ///< the bias swallows the score even in float64, whatever error the score has
};

}  // namespace

BudgetedAttention budgeted_attention(const AttentionCall<double>& call, DType storage,
                                     const AttentionInputBudgets* inputs, ScoreStorage scores) {
  const Doubles zeros = xt::zeros_like(call.q);
  BudgetedAttention result{zeros, {zeros, zeros}, xt::zeros<double>({zeros.shape(0), zeros.shape(1), zeros.shape(2)})};
  for_each_rows(call, [&](const Rows& at) {
    const BudgetedRows rows(call, at, storage, scores);
    query_rows(result.y, at) = rows.y();
    const Doubles errors = rows.logit_errors(Growth::statistical, inputs);
    query_rows(result.budget.statistical, at) = rows.bounds(Growth::statistical, errors, inputs);
    const Doubles worst_errors = rows.logit_errors(Growth::worst_case, inputs);
    query_rows(result.budget.worst_case, at) = rows.bounds(Growth::worst_case, worst_errors, inputs);
    if (inputs == nullptr && scores == ScoreStorage::float32) return;  // exact, or small numbers
    const auto [b, h, g, i] = at.first;
    xt::view(result.condition, b, h, xt::range(i, i + at.count)) = rows.worst_logit(errors);
  });
  add_storage(result.budget, result.y, storage);
  return result;
}

template AttentionCall<float> attention_call(const AttentionInputs&);
template AttentionCall<double> attention_call(const AttentionInputs&);
template AttentionRows<double> attention_rows(const AttentionCall<double>&, const RowIndex&, std::int64_t);
template Array<float> attention(const AttentionCall<float>&);
template Array<double> attention(const AttentionCall<double>&);

}  // namespace attest::reference
