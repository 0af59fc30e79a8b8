#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "fixtures/float_format.h"
#include "reference/score_storage.h"

/// How far a correct kernel may be from the float64 truth: every constant, and why.
///
/// A kernel accumulates in float32, so each operation is off by a factor 1 + delta with |delta| <= u = 2^-24. Summing n
/// terms adds n such errors. At worst they all have the same sign and give n u; being independent they grow like a
/// random walk and give about sqrt(n) u. The *statistical* budget, by which a kernel passes, uses sqrt(n); the
/// *worst-case* form uses n and only tells "marginal" from "wrong".
///
/// Localised (one stage on recorded inputs), every stage plus half_ulp(y*) for storing the result (of the value
/// farthest from 0 that the budget so far allows, budget.h):
///
///   projection  (sqrt(K) + 2) u sum_k |x_k w_k| + u |b|      K products summed; + 2: the product, the last addition
///   rotary      2 u (|a cos| + |b sin|)                      two products, one sum
///   norm        (sqrt(h_d) + 8) u |y*|                       the mean square; + 8: its root, the products
///   attention   sum_j p_ij |v_jc| [ E_ij + sum_j p_ij E_ij + u |s_ij - m_i| + c_S u + u_P ]
///
/// In attention, E_ij = c_D u A_ij (+ the mask's addition) is the error of a logit, A_ij = sum_k |q_ik k_jk| /
/// sqrt(h_d). It becomes dp_j / p_j = ds_j - sum_j p_j ds_j after the softmax, hence E twice. u |s - m| is the rounding
/// of the difference that is exponentiated; c_S holds exp, the row's sum, its reciprocal and the sum over V; u_P the
/// storage of P.
///
/// Terms of the row's sum that are equal round alike: within a power of two of the running sum each addition of the
/// same number is off by the same part of its last bit. m of them add up to m errors, not to sqrt(m): a cache's empty
/// slots, whose scores are all 0, took a plain running sum to e = 1.9 without this. Groups are independent of each
/// other, so the row's sum grows with sqrt(sum of m^2), which is sqrt(s_k) where no two logits are equal.
///
/// Where a product is subnormal, its rounding error is not u times it but up to kUnderflow, and a sum of subnormal
/// numbers is exact: kUnderflow joins the bound once for each product (K in a projection, s_k + 2 in attention, 2 in a
/// rotary embedding and a norm). A weight of the softmax that is stored as a subnormal number is likewise off by half
/// the smallest of its format, times the value that it weighs. Everywhere else both vanish beside the rest.
///
/// End to end, an input carries the budget dx of the stage before it. Errors of different elements are independent, so
/// they add as a root of squares, times kappa = 2: with kappa = 1, torchtune's own outputs reached 1.2 after a rotary
/// embedding in bfloat16 and 1.8 with logits scaled by 300. (Adding absolute values instead would make the bound
/// useless: at d = 2048 torchtune used 0.0002 of it.) Only the worst-case form adds absolute values. The formulas stand
/// with each stage, in linear.h, rotary.h, rms_norm.h and attention.h.
namespace attest::reference {

/// u: unit roundoff of float32, in which a kernel accumulates whatever its storage is.
inline constexpr double kUnitRoundoff = 0x1p-24;
/// Half the smallest subnormal float32: the absolute error of a product that underflows.
inline constexpr double kUnderflow = 0x1p-150;
/// lambda: safety factor on the softmax's statistical terms. 1 raised no false alarm on 2000 random correct cases a
/// dtype.
inline constexpr double kLambda = 1.0;
/// kappa: safety factor on propagated errors.
inline constexpr double kKappa = 2.0;
/// A row whose logits may be off by more than this (a factor exp(0.25) = 1.28 in a probability) on a key that matters
/// is ill-conditioned end to end: first-order propagation no longer describes it.
inline constexpr double kIllConditionedLogit = 0.25;
/// A key matters if its share of the row's weight could reach this: p_ij exp(D_ij) >= 2^-8, what bfloat16 resolves of a
/// probability near 1. A smaller share enters the budget with exp(D) - 1, which is exact, not with its first order D.
inline constexpr double kShareThatMatters = 0x1p-8;

enum class Growth { statistical, worst_case };

/// Growth of rounding errors over a sum of n terms, in units of u.
inline double accumulated(Growth growth, double n) { return growth == Growth::statistical ? std::sqrt(n) : n; }

inline double linear_factor(Growth growth, double in_features) { return accumulated(growth, in_features) + 2; }
inline constexpr double kRotaryFactor = 2;
inline double norm_factor(Growth growth, double head_dim) { return accumulated(growth, head_dim) + 8; }
/// c_D: one logit. + 2: the products' rounding and the scale.
inline double logit_factor(Growth growth, double head_dim) { return kLambda * (accumulated(growth, head_dim) + 2); }
/// c_S: two sums over the keys (the row's weight, P V), and 8 for exp, rescaling and the division. `squared_groups` is
/// the sum of m^2 over the groups of m equal logits: at least `keys`; in the worst case there is one group.
inline double softmax_factor(Growth growth, double keys, double squared_groups) {
  return kLambda * (std::sqrt(squared_groups) + accumulated(growth, keys) + 8);
}

/// u_P: torch stores P in the storage dtype before it multiplies V.
inline double probability_roundoff(DType storage) {
  return storage == DType::float32 ? 0 : format_of(storage).unit_roundoff();
}

inline double half_ulp(double y, DType storage) { return half_ulp(y, format_of(storage)); }

/// Of a score s that a kernel declares to store in 16 bits: half the distance of their neighbours at s. One for the
/// scaled product, one more for its sum with a float mask; E_ij grows by both.
inline double score_roundoff(double s, ScoreStorage scores) {
  if (scores == ScoreStorage::float32 || s == 0 || !std::isfinite(s)) return 0;
  return half_ulp(s, scores);
}

/// Sum of m^2 over the groups of m keys whose logits are equal in float32. A hidden key is a group of its own. In the
/// worst case all keys count as equal.
inline double squared_groups(Growth growth, std::span<const double> logits, std::span<const bool> visible) {
  const std::size_t keys = logits.size();
  if (growth == Growth::worst_case) return static_cast<double>(keys * keys);
  std::vector<std::uint32_t> bits;  // which sort fast: only equality matters, and -0 + 0 is 0
  for (std::size_t j = 0; j < keys; ++j) {
    if (visible[j]) bits.push_back(std::bit_cast<std::uint32_t>(static_cast<float>(logits[j]) + 0.0F));
  }
  std::ranges::sort(bits);
  auto sum = static_cast<double>(keys - bits.size());
  for (auto first = bits.begin(); first != bits.end();) {
    const auto end = std::ranges::find_if(first, bits.end(), [&](std::uint32_t logit) { return logit != *first; });
    sum += static_cast<double>((end - first) * (end - first));
    first = end;
  }
  return sum;
}

}  // namespace attest::reference
