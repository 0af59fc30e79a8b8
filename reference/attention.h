#pragma once

#include <cstdint>
#include <vector>

#include "reference/masks.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// One row of softmax(q k^T / sqrt(h_d) + bias): token i of head h of sample b. Only visible keys are listed, so a
/// hidden key is never read.
template <class T>
struct AttentionRow {
  std::vector<std::int64_t> keys;  ///< j, ascending
  std::vector<T> logits;           ///< s_ij
  std::vector<T> probabilities;    ///< p_ij; all zero if every logit is -inf or there is none, as torch has it
  T largest_logit = 0;             ///< m_i
};

/// Which row: sample, query head, its key/value head, token.
struct RowIndex {
  std::int64_t b, h, g, i;
};

/// q [b, n_h, s_x, h_d], k [b, n_kv, s_k, h_d].
template <class T>
AttentionRow<T> attention_row(const Array<T>& q, const Array<T>& k, const AttentionMask<T>& mask, RowIndex at);

/// y [b, n_h, s_x, h_d] = softmax(q k^T / sqrt(h_d) + bias) v over the visible keys. q as y; k, v [b, n_kv, s_k, h_d],
/// of which head h reads head h / (n_h / n_kv). A row that sees no key is 0.
/// torch.nn.functional.scaled_dot_product_attention
template <class T>
Array<T> attention(const Array<T>& q, const Array<T>& k, const Array<T>& v, const AttentionMask<T>& mask);

/// Calls visit(RowIndex) for every row of q, given the number of key/value heads.
template <class T, class Visit>
void for_each_row(const Array<T>& q, std::size_t num_kv_heads, Visit visit) {
  const auto b_end = static_cast<std::int64_t>(q.shape(0));
  const auto num_heads = static_cast<std::int64_t>(q.shape(1));
  const auto s_x = static_cast<std::int64_t>(q.shape(2));
  const std::int64_t q_per_kv = num_heads / static_cast<std::int64_t>(num_kv_heads);
  for (std::int64_t b = 0; b < b_end; ++b) {
    for (std::int64_t h = 0; h < num_heads; ++h) {
      for (std::int64_t i = 0; i < s_x; ++i) visit(RowIndex{b, h, h / q_per_kv, i});
    }
  }
}

}  // namespace attest::reference
