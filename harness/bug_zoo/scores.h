#pragma once

#include <cstdint>
#include <limits>

#include "harness/attest_implementation.h"
#include "harness/bug_zoo/block_mask.h"
#include "harness/bug_zoo/recipe.h"
#include "harness/bug_zoo/row.h"

namespace attest::bug_zoo {

inline constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

struct Score {
  std::int64_t key;
  float logit;     ///< scaled, with its bias
  bool hidden;     ///< the row does not attend to this key
  float kept = 1;  ///< what dropout makes of its weight
};

/// Scores of query rows against single keys, with mask and scale.
class Scores {
 public:
  Scores(const attest_attention& call, const Recipe& recipe);

  std::int64_t keys() const { return s_k_; }  ///< that are visited at all
  Score at(const Row& row, std::int64_t key) const;
  /// How often a row meets a key; 1 also where it is hidden.
  int times_met(const Row& row, std::int64_t key) const {
    return blocks_.hides(row, key) ? 1 : blocks_.visits(row, key);
  }

 private:
  bool hidden_by_causality(std::int64_t token, std::int64_t key) const;
  std::int64_t mask_index(const Row& row, std::int64_t key) const;
  float kept(const Row& row, std::int64_t key) const;
  bool hidden_by_mask(const Row& row, std::int64_t key) const;
  bool begins_a_window(const Row& row, std::int64_t key) const;
  float bias(const Row& row, std::int64_t key) const;  ///< 0 without a float mask

  const attest_attention& call_;
  const Recipe& recipe_;
  BlockMask blocks_;
  std::int64_t s_x_, s_k_, h_d_, group_;
  float scale_;
  float bias_scale_;
};

}  // namespace attest::bug_zoo
