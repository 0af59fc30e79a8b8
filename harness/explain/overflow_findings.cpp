#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

enum class Fate { safe, lost, unclear };

/// What becomes of a row in float32 if `offset` is subtracted from its logits in place of the largest one. Its sums may
/// overflow somewhat before exp does, and lose digits before exp becomes zero.
Fate fate_of(const std::vector<double>& logits, double offset) {
  const double largest = *std::ranges::max_element(logits) - offset;
  constexpr double kInfiniteAbove = 88.73, kFineBelow = 80.0, kZeroBelow = -104.0, kFineAbove = -80.0;
  if (largest > kInfiniteAbove || largest < kZeroBelow) return Fate::lost;
  return largest < kFineBelow && largest > kFineAbove ? Fate::safe : Fate::unclear;
}

/// A kernel makes NaN, infinity or zero of a row that it lost.
bool looks_lost(std::span<const double> y) {
  return std::ranges::any_of(y, [](double value) { return !std::isfinite(value); }) ||
         std::ranges::all_of(y, [](double value) { return value == 0.0; });
}

using Offset = std::function<double(const ScoredRow& row, const std::vector<double>& logits)>;

bool explains(const AttentionModel& right, const Residual& residual, const std::vector<std::int64_t>& rows,
              const Offset& offset) {
  bool any_lost = false;
  for (const std::int64_t row : rows) {
    const ScoredRow scored = right.scored(right.at(row));
    const std::vector<double> logits = scored.logits();
    const bool blind = std::ranges::max(logits) == -std::numeric_limits<double>::infinity();
    const Fate fate = blind ? Fate::safe : fate_of(logits, offset(scored, logits));
    if (fate == Fate::safe && !(residual.e(row) <= 1.0)) return false;
    if (fate == Fate::lost && !looks_lost(residual.got(row))) return false;
    any_lost = any_lost || fate == Fate::lost;
  }
  return any_lost;
}

/// Of the first `block` keys; of nothing but hidden ones, no offset at all.
double largest_of_first(const std::vector<double>& logits, std::size_t block) {
  const auto end = logits.begin() + static_cast<std::ptrdiff_t>(std::min(block, logits.size()));
  const double largest = *std::max_element(logits.begin(), end);
  return std::isfinite(largest) ? largest : 0.0;
}

}  // namespace

std::vector<Fitting> overflow_findings(const AttentionModel& right, const Residual& residual,
                                       const std::vector<std::int64_t>& rows) {
  std::vector<Fitting> found;
  const auto add = [&](std::string id, std::string words) {
    found.push_back({{std::move(id), std::move(words)}, kRoundingNoise});  // which rows are lost, not what they hold
  };
  const auto from_zero = [](const auto&, const auto& logits) { return std::max(0.0, std::ranges::max(logits)); };
  if (explains(right, residual, rows, from_zero)) {
    add("max_starts_at_zero",
        "the running maximum starts at 0 instead of -inf, or padding scored 0 counts in it: lost are the rows whose "
        "logits are all below -88");
  }
  const auto of_hidden = [](const ScoredRow& row, const auto&) { return std::ranges::max(row.scores); };
  if (explains(right, residual, rows, of_hidden)) {
    add("max_over_hidden_keys",
        "hidden keys count in the row's largest logit: lost are the rows in which one is larger by 88");
  }
  if (explains(right, residual, rows, [](const auto&, const auto&) { return 0.0; })) {
    add("max_not_subtracted",
        "the row's largest logit is not subtracted: lost are the rows in which exp(logit) overflows or underflows");
  }
  for (std::size_t block = 1; static_cast<std::int64_t>(block) < right.keys(); block *= 2) {
    const auto offset = [block](const auto&, const auto& logits) { return largest_of_first(logits, block); };
    if (!explains(right, residual, rows, offset)) continue;
    add("first_block_max",
        fmt::format(
            "the largest logit of the first {} key{} is used for all: lost are the rows in which a later one is "
            "larger by 88",
            block, block == 1 ? "" : "s"));
  }
  return found;
}

}  // namespace attest::harness::explain
