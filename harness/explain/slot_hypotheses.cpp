#include <fmt/format.h>

#include <algorithm>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

/// Unfilled slots are zeros, which torchtune attends to as it does to any other key.
std::int64_t filled_slots(const AttentionModel& right) {
  const auto is_unfilled = [&right](std::int64_t j) {
    for (std::int64_t b = 0; b < right.samples(); ++b) {
      for (std::int64_t g = 0; g < right.kv_heads(); ++g) {
        const auto zero = [](double value) { return value == 0.0; };
        if (!std::ranges::all_of(reference::row(*right.k, b, g, j), zero)) return false;
        if (!std::ranges::all_of(reference::row(*right.v, b, g, j), zero)) return false;
      }
    }
    return true;
  };
  std::int64_t filled = right.keys();
  while (filled > 0 && is_unfilled(filled - 1)) --filled;
  return filled;
}

Weigh seeing_from(std::size_t first) {
  return [first](const ScoredRow& row) {
    ScoredRow more = row;
    for (std::size_t j = first; j < more.visible.size(); ++j) {
      more.visible[j] = true;
      if (!more.bias.empty()) more.bias[j] = 0.0;
    }
    return softmax(more);
  };
}

Weigh hiding_from(std::size_t first) {
  return [first](const ScoredRow& row) {
    ScoredRow fewer = row;
    for (std::size_t j = first; j < fewer.visible.size(); ++j) fewer.visible[j] = false;
    return softmax(fewer);
  };
}

}  // namespace

Hypotheses slot_hypotheses(const AttentionModel& right) {
  const std::int64_t filled = filled_slots(right);
  if (filled == right.keys()) return {};
  const auto first = static_cast<std::size_t>(filled);
  AttentionModel seeing = right, skipping = right;
  seeing.weigh = seeing_from(first);
  skipping.weigh = hiding_from(first);
  return {hypothesis({"unfilled_slots_seen",
                      fmt::format("the mask is applied to filled slots only: the unfilled ones {}..{} are seen", filled,
                                  right.keys() - 1)},
                     seeing),
          hypothesis({"unfilled_slots_skipped",
                      fmt::format("the cache's unfilled slots {}..{} are skipped; torchtune attends to their zeros",
                                  filled, right.keys() - 1)},
                     skipping)};
}

Hypotheses stale_value_hypotheses(const AttentionModel& right) {
  const std::int64_t filled = filled_slots(right);
  if (filled < right.tokens()) return {};
  Array<double> stale = *right.v;
  for (std::int64_t b = 0; b < right.samples(); ++b) {
    for (std::int64_t g = 0; g < right.kv_heads(); ++g) {
      for (std::int64_t j = filled - right.tokens(); j < filled; ++j)
        std::ranges::fill(reference::row(stale, b, g, j), 0.0);
    }
  }
  AttentionModel wrong = right;
  wrong.v = std::make_shared<const Array<double>>(std::move(stale));
  return {hypothesis(
      {"stale_values", "the values of this call's own tokens are read as zeros: they are stored too late"}, wrong)};
}

}  // namespace attest::harness::explain
