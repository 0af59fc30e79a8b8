#pragma once

#include <cstdint>
#include <limits>

#include "harness/attest_implementation.h"
#include "harness/bug_zoo/recipe.h"

namespace attest::bug_zoo {

inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

/// One query row: its vector, the keys and values of its head [s_k, h_d], where it stands.
struct Row {
  const float* q;
  const float* k;
  const float* v;
  std::int64_t sample;
  std::int64_t head;
  std::int64_t token;
  const float* q_of_other_thread;  ///< of the row that another thread computes at the same time; q where none does
};

struct Score {
  std::int64_t key;
  float logit;  ///< scaled, with its bias
  bool hidden;  ///< the row does not attend to this key
};

/// Scores of query rows against single keys, with mask and scale.
class Scores {
 public:
  Scores(const attest_attention& call, const Recipe& recipe);

  std::int64_t keys() const { return s_k_; }  ///< that are visited at all
  Score at(const Row& row, std::int64_t key) const;

 private:
  bool hidden_by_causality(std::int64_t token, std::int64_t key) const;
  std::int64_t mask_index(const Row& row, std::int64_t key) const;
  bool hidden_by_mask(const Row& row, std::int64_t key) const;
  bool begins_a_window(const Row& row, std::int64_t key) const;
  float bias(const Row& row, std::int64_t key) const;  ///< 0 without a float mask

  const attest_attention& call_;
  const Recipe& recipe_;
  std::int64_t s_x_, s_k_, h_d_, group_;
  float scale_;
  float bias_scale_;
};

}  // namespace attest::bug_zoo
