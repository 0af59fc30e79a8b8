#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

/// Which earlier calls a failure needs.
namespace attest::harness {

/// What became of the same questions in a process of their own.
struct History {
  enum class Kind {
    alone,    ///< it fails by itself
    earlier,  ///< it fails after `needed`, and not without any of them
    unknown   ///< it did not fail again
  };
  Kind kind = Kind::unknown;
  std::vector<std::size_t> needed;  ///< indices of earlier questions, in their order
};

/// `fails(sequence)` asks these questions, by their indices, in a fresh process and says whether the last one fails.
/// The last question of `asked` is the one that failed. Longer and longer ends of what was asked are tried, up to
/// `most` of them; then each question that it fails without is left out.
History history_of(std::size_t asked, std::size_t most,
                   const std::function<bool(std::span<const std::size_t> sequence)>& fails);

}  // namespace attest::harness
