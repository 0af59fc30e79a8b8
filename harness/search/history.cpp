#include "harness/search/history.h"

#include <algorithm>
#include <numeric>

namespace attest::harness {
namespace {

using Sequence = std::vector<std::size_t>;

/// The last `count` questions.
Sequence last_of(std::size_t asked, std::size_t count) {
  Sequence sequence(count);
  std::iota(sequence.begin(), sequence.end(), asked - count);
  return sequence;
}

/// Leaves out halves, quarters, ... and at last single questions, as long as it still fails.
Sequence reduced(Sequence sequence, const std::function<bool(std::span<const std::size_t>)>& fails) {
  for (std::size_t step = std::max<std::size_t>(sequence.size() / 2, 1); step > 0; step /= 2) {
    for (std::size_t first = 0; first + 1 < sequence.size();) {
      Sequence fewer = sequence;
      const std::size_t last = std::min(first + step, sequence.size() - 1);
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(first),
                  fewer.begin() + static_cast<std::ptrdiff_t>(last));
      if (fails(fewer)) {
        sequence = std::move(fewer);
      } else {
        first += step;
      }
    }
  }
  return sequence;
}

}  // namespace

History history_of(std::size_t asked, std::size_t most,
                   const std::function<bool(std::span<const std::size_t> sequence)>& fails) {
  const std::size_t longest = std::min(asked, most + 1);
  for (std::size_t count = 1; count <= longest; count = count == longest ? longest + 1 : std::min(2 * count, longest)) {
    Sequence sequence = last_of(asked, count);
    if (!fails(sequence)) continue;
    if (count == 1) return {History::Kind::alone, {}};
    sequence = reduced(std::move(sequence), fails);
    sequence.pop_back();
    return {History::Kind::earlier, sequence};
  }
  return {};
}

}  // namespace attest::harness
