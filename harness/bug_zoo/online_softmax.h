#pragma once

#include <span>
#include <vector>

#include "harness/bug_zoo/scores.h"
#include "harness/bug_zoo/sums.h"

namespace attest::bug_zoo {

/// exp(x)
float exponential(float x, const Recipe& recipe);

/// One row's softmax(scores) v, built block by block: the largest logit so far, the sum of exp(logit - largest), and
/// the values weighted alike; both are rescaled when the largest logit grows. FlashAttention, algorithm 1.
class OnlineSoftmax {
 public:
  /// Without values (h_d = 0) only the largest logit and the sum are built.
  OnlineSoftmax(const Recipe& recipe, std::int64_t h_d);

  /// `v` [s_k, h_d]; the value of a hidden key is not read.
  void absorb(std::span<const Score> block, const float* v);
  /// `keys` zeros that stand behind the last key: their scores of 0 raise the maximum and, `in_sum`, count as keys.
  void absorb_padding(std::int64_t keys, bool in_sum);
  /// Adds what another row left where this one's sum and values are kept.
  void add_leftover(const OnlineSoftmax& other);
  /// As if the keys of `other` had been absorbed too.
  void merge(const OnlineSoftmax& other);

  bool saw_a_key() const { return saw_a_key_; }
  float largest() const { return largest_; }
  float sum() const { return sum_.value(); }
  std::span<const Sum> values() const { return values_; }

 private:
  float next_largest(std::span<const Score> block) const;
  void rescale(float largest);
  void add_value(std::int64_t key, float weight, const float* v);

  const Recipe& recipe_;
  bool saw_a_key_ = false;
  bool began_hidden_ = false;  ///< the first block was hidden as a whole
  float largest_;
  Sum sum_;
  std::vector<Sum> values_;
};

}  // namespace attest::bug_zoo
