#pragma once

#include <cstdint>

#include "fixtures/stage_inputs.h"
#include "reference/budget.h"
#include "reference/masks.h"

namespace attest::reference {

/// What attention is computed from.
template <class T>
struct AttentionCall {
  Array<T> q;             ///< [b, n_h, s_x, h_d]
  Array<T> k, v;          ///< [b, n_kv, s_k, h_d]; head h reads head h / (n_h / n_kv)
  AttentionMask<T> mask;  ///< of all of q's rows
  double scale;           ///< of q k^T
};

template <class T>
AttentionCall<T> attention_call(const AttentionInputs& inputs);

/// y [b, n_h, s_x, h_d] = softmax(scale q k^T + bias) v over the visible keys; 0 where a row sees none. Nothing of a
/// hidden key reaches a row that does not see it, not even NaN. torch.nn.functional.scaled_dot_product_attention
template <class T>
Array<T> attention(const AttentionCall<T>& call);

/// Which row: sample, query head, its key/value head, token.
struct RowIndex {
  std::int64_t b, h, g, i;
};

/// Rows of one head on their way through the softmax, all [rows, s_k].
template <class T>
struct AttentionRows {
  Array<bool> visible;
  Array<T> scores;         ///< scale q k^T; at a hidden key whatever k has there
  Array<T> logits;         ///< s_ij: score + bias; -inf where hidden
  Array<T> below_top;      ///< s_ij - m_i, the row's largest
  Array<T> probabilities;  ///< p_ij; all zero if every logit is -inf or there is none, as torch has it
  Array<T> weights;        ///< of the values: p_ij, times what dropout makes of it
  Array<T> parts;          ///< the weights before they are divided
  Array<T> whole;          ///< [rows, 1]: by this, the sum of exp(s_ij - m_i)
};

/// `count` rows from the given one on.
template <class T>
AttentionRows<T> attention_rows(const AttentionCall<T>& call, const RowIndex& first, std::int64_t count = 1);

/// Budgets of attention's inputs.
struct AttentionInputBudgets {
  const Budget& q;
  const Budget& k;
  const Budget& v;
};

struct BudgetedAttention {
  Array<double> y;
  Budget budget;
  Array<double> condition;  ///< [b, n_h, s_x]: the largest error of a logit (statistical) on a key that matters
};

/// That y and its budget for a kernel that stores it in `storage`, and its scores in `scores`. Localised, on inputs
/// that are exact (null): with E_ij the error of a logit and Ebar_i = sum_j p_ij E_ij,
///
///   B_ic = sum_j p_ij |v_jc| [ E_ij + Ebar_i + u |s_ij - m_i| + c_S u + u_P ] + U_ic + half_ulp(y_ic)
///   U_ic = s_k + 2 underflows + half_ulp(0) sum_j |v_jc|: of products, and of weights stored as subnormal numbers
///   E_ij = c_D u A_ij + addition of the mask,        A_ij = |scale| sum_k |q_ik k_jk|
///
/// Adding a float mask rounds once: by at most u |s_ij|, and by no more than either term, since leaving the other one
/// as the sum is then nearer. A bias so large that A_ij vanishes beside it in float64 makes the logit exact: E_ij = 0.
///
/// Scores of 16 bits add score_roundoff to E_ij, which is then no small number: E_ij + Ebar_i becomes
/// exp(E_ij + log sum_k p_ik exp(E_ik)) - 1, which bounds what logits that are off by E do to a softmax, and is the
/// same to first order.
///
/// End to end, the logit's error includes the inputs', and dy_ic = sum_j p_ij (v_jc - y_ic) ds_ij to first order:
///
///   D_ij = E_ij + kappa |scale| sqrt( sum_k k_jk^2 dq_ik^2 + q_ik^2 dk_jk^2 )
///   B_ic = sum_j p_ij |v_jc - y_ic| (exp(D_ij) - 1 + u |s_ij - m_i|) + (c_S u + u_P) sum_j p_ij |v_jc|
///          + kappa sqrt( sum_j p_ij^2 dv_jc^2 ) + U_ic + half_ulp(y_ic)
///
/// exp(D) - 1 is D to first order, and right also for a negligible key whose logit is badly known.
///
/// Dropout multiplies each p_ij by a factor r_ij after the softmax, which is the same as multiplying v_jc by it in row
/// i, and rounds twice more, with the factor itself: c_S + 2.
BudgetedAttention budgeted_attention(const AttentionCall<double>& call, DType storage,
                                     const AttentionInputBudgets* inputs, ScoreStorage scores = ScoreStorage::float32);

}  // namespace attest::reference
