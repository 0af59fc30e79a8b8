#pragma once

#include "reference/attention.h"
#include "reference/budget.h"
#include "reference/score_storage.h"

namespace attest::reference {

/// What attention was computed from, and its truth y [b, n_h, s_x, h_d].
struct AttentionCall {
  const Array<double>& q;
  const Array<double>& k;
  const Array<double>& v;
  const AttentionMask<double>& mask;
  const Array<double>& y;
  DType storage;
  ScoreStorage scores = ScoreStorage::float32;
};

struct BudgetedAttention {
  Budget budget;
  Array<double> condition;  ///< [b, n_h, s_x]: the largest error of a logit (statistical) on a key that matters
};

/// Localised. With E_ij the error of a logit and Ebar_i = sum_j p_ij E_ij,
///
///   B_ic = sum_j p_ij |v_jc| [ E_ij + Ebar_i + u |s_ij - m_i| + c_S u + u_P ] + U_ic + half_ulp(y_ic)
///   U_ic = s_k + 2 underflows + half_ulp(0) sum_j |v_jc|: of products, and of weights stored as subnormal numbers
///   E_ij = c_D u A_ij + addition of the mask,        A_ij = sum_k |q_ik k_jk| / sqrt(h_d)
///
/// Adding a float mask rounds once: by at most u |s_ij|, and by no more than either term, since leaving the other one
/// as the sum is then nearer. A bias so large that A_ij vanishes beside it in float64 makes the logit exact: E_ij = 0.
///
/// Scores of 16 bits add score_roundoff to E_ij, which is then no small number: E_ij + Ebar_i becomes
/// exp(E_ij + log sum_k p_ik exp(E_ik)) - 1, which bounds what logits that are off by E do to a softmax, and is the
/// same to first order.
BudgetedAttention attention_budget(const AttentionCall& call);

/// Budgets of attention's inputs.
struct AttentionInputBudgets {
  const Budget& q;
  const Budget& k;
  const Budget& v;
};

/// End to end. The logit's error now includes the inputs', and dy_ic = sum_j p_ij (v_jc - y_ic) ds_ij to first order:
///
///   D_ij = E_ij + kappa / sqrt(h_d) sqrt( sum_k k_jk^2 dq_ik^2 + q_ik^2 dk_jk^2 )
///   B_ic = sum_j p_ij |v_jc - y_ic| (exp(D_ij) - 1 + u |s_ij - m_i|) + (c_S u + u_P) sum_j p_ij |v_jc|
///          + kappa sqrt( sum_j p_ij^2 dv_jc^2 ) + U_ic + half_ulp(y_ic)
///
/// exp(D) - 1 is D to first order, and right also for a negligible key whose logit is badly known.
BudgetedAttention attention_budget(const AttentionCall& call, const AttentionInputBudgets& inputs);

/// The condition of a stage that reads all heads of a token: [b, n_h, s_x] to [b, s_x].
Array<double> worst_head(const Array<double>& condition);

}  // namespace attest::reference
