#pragma once

#include <cstdint>
#include <vector>

#include "harness/attest_implementation.h"
#include "harness/bug_zoo/recipe.h"
#include "harness/bug_zoo/row.h"

namespace attest::bug_zoo {

/// What a call's BlockMask says of single keys; of a call without one, that every key is seen.
class BlockMask {
 public:
  BlockMask(const attest_attention& call, const Recipe& recipe);

  bool hides(const Row& row, std::int64_t key) const { return visits(row, key) == 0; }
  /// How often the row meets the key: 0 where it is hidden.
  int visits(const Row& row, std::int64_t key) const;

 private:
  std::int64_t list_of(const Row& row) const;
  std::int64_t column_of(std::int64_t listed) const;
  bool shows_partly(std::int64_t block, const Row& row, std::int64_t key) const;

  const attest_attention& call_;
  const Recipe& recipe_;
  std::int64_t n_h_ = 1, rows_ = 1, columns_ = 1;
  std::int64_t tokens_ = 1, keys_ = 1;       ///< of a block
  std::vector<std::int64_t> first_partial_;  ///< of each row of blocks: its first of partial_blocks
};

}  // namespace attest::bug_zoo
