#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "fixtures/case.h"
#include "optimized/execution.h"

namespace attest::optimized {

/// What the tokens of a BlockMask see, row of blocks by row of blocks. Empty blocks take no part, and neighbours of
/// which all is seen are one stretch of keys.
class BlockRows {
 public:
  explicit BlockRows(const Execution<float>& execution) : execution_(execution) {}

  /// A validated mask over `keys` keys, borrowed. Allocates where it never had as many blocks. Throws InputError where
  /// a byte is neither 0 nor 1.
  void read(const BlockMask& mask, std::size_t keys);

  /// The keys from the first to the last that a token sees; returns whether it sees all of them. `mask` counts samples
  /// times heads, as far as they have masks of their own.
  bool find_run(std::size_t mask, std::size_t token, KeyRun& run) const;
  /// A byte a key: 1 where the token sees it, else 0.
  void write_flags(std::size_t mask, std::size_t token, std::span<unsigned char> flags) const;

 private:
  /// Keys [begin, end), all of which are seen or those that `shown` [tokens of a block][keys of a block] says.
  struct Stretch {
    std::size_t begin, end;
    const unsigned char* shown;  ///< null: all
  };

  void add_row(const BlockMask& mask, std::size_t row, std::size_t keys, const unsigned char*& shown);
  std::span<const Stretch> stretches(std::size_t mask, std::size_t token) const;
  /// What a stretch that shows some of its keys shows to a token.
  const unsigned char* flags_of(const Stretch& stretch, std::size_t token) const;

  const Execution<float>& execution_;
  std::size_t rows_ = 0, block_tokens_ = 0, block_keys_ = 0;
  std::vector<Stretch> stretches_;         ///< in the order of their rows, and then of their keys
  std::vector<std::size_t> first_of_row_;  ///< of stretches_; one more entry ends the last row
};

}  // namespace attest::optimized
