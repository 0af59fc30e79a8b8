#include <fmt/format.h>

#include <algorithm>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

/// The slots of k or v [b, n_kv, s_k, h_d] moved by `by`; the ends hold what is there already.
std::shared_ptr<const Array<double>> moved(const Array<double>& slots, std::int64_t by) {
  Array<double> result = slots;
  const auto keys = static_cast<std::int64_t>(slots.shape(2));
  for (std::int64_t b = 0; b < static_cast<std::int64_t>(slots.shape(0)); ++b) {
    for (std::int64_t g = 0; g < static_cast<std::int64_t>(slots.shape(1)); ++g) {
      for (std::int64_t j = 0; j < keys; ++j) {
        const auto from = reference::row(slots, b, g, std::clamp<std::int64_t>(j + by, 0, keys - 1));
        std::ranges::copy(from, reference::row(result, b, g, j).begin());
      }
    }
  }
  return std::make_shared<const Array<double>>(std::move(result));
}

void add_heads(Hypotheses& all, const AttentionModel& right) {
  const std::int64_t n_kv = right.kv_heads(), queries = right.heads() / n_kv;
  const auto add = [&](std::string id, std::string words, std::function<std::int64_t(std::int64_t)> kv_head) {
    AttentionModel wrong = right;
    wrong.kv_head = std::move(kv_head);
    all.push_back(hypothesis({std::move(id), std::move(words)}, wrong));
  };
  add("heads_tiled",
      fmt::format("head h reads key/value head h mod {} instead of h / {}: tiled instead of repeated", n_kv, queries),
      [n_kv](std::int64_t h) { return h % n_kv; });
  add("first_kv_head", "every head reads key/value head 0", [](std::int64_t) { return 0; });
  add("kv_head_shifted", "every head reads the next key/value head",
      [n_kv, queries](std::int64_t h) { return (h / queries + 1) % n_kv; });
  add("kv_heads_reversed", "the key/value heads are read in reverse",
      [n_kv, queries](std::int64_t h) { return n_kv - 1 - h / queries; });
}

void add_samples(Hypotheses& all, const AttentionModel& right) {
  const std::int64_t b_end = right.samples();
  const auto add = [&](std::string words, std::function<std::int64_t(std::int64_t)> kv_sample) {
    AttentionModel wrong = right;
    wrong.kv_sample = std::move(kv_sample);
    all.push_back(hypothesis({"batch_mixed", std::move(words)}, wrong));
  };
  add("every sample reads the keys and values of sample 0", [](std::int64_t) { return 0; });
  add("a sample reads the keys and values of the next sample", [b_end](std::int64_t b) { return (b + 1) % b_end; });
  add("a sample reads the keys and values of the sample before",
      [b_end](std::int64_t b) { return (b + b_end - 1) % b_end; });
}

void add_moved(Hypotheses& all, const AttentionModel& right) {
  for (const std::int64_t by : {1, -1}) {
    const char* which = by == 1 ? "next" : "previous";
    AttentionModel values = right, keys = right;
    values.v = moved(*right.v, by);
    keys.k = moved(*right.k, by);
    all.push_back(hypothesis({"value_shifted", fmt::format("key j is paired with the {} key's value", which)}, values));
    all.push_back(hypothesis({"key_shifted", fmt::format("value j is paired with the {} value's key", which)}, keys));
  }
}

/// The values of this call, one for each of its tokens, are not in the last filled slots yet.
void add_stale_values(Hypotheses& all, const AttentionModel& right, std::int64_t filled) {
  if (filled < right.tokens()) return;
  Array<double> stale = *right.v;
  for (std::int64_t b = 0; b < right.samples(); ++b) {
    for (std::int64_t g = 0; g < right.kv_heads(); ++g) {
      for (std::int64_t j = filled - right.tokens(); j < filled; ++j)
        std::ranges::fill(reference::row(stale, b, g, j), 0.0);
    }
  }
  AttentionModel wrong = right;
  wrong.v = std::make_shared<const Array<double>>(std::move(stale));
  all.push_back(hypothesis(
      {"stale_values", "the values of this call's own tokens are read as zeros: they are stored too late"}, wrong));
}

/// Unfilled slots are zeros, which torchtune attends to as it does to any other key.
void add_unfilled(Hypotheses& all, const AttentionModel& right) {
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
  add_stale_values(all, right, filled);
  if (filled == right.keys()) return;
  AttentionModel seeing = right;
  seeing.weigh = [filled](const ScoredRow& row) {
    ScoredRow more = row;
    for (std::size_t j = static_cast<std::size_t>(filled); j < more.visible.size(); ++j) {
      more.visible[j] = true;
      if (!more.bias.empty()) more.bias[j] = 0.0;
    }
    return softmax(more);
  };
  all.push_back(hypothesis(
      {"unfilled_slots_seen", fmt::format("the mask is applied to filled slots only: the unfilled ones {}..{} are seen",
                                          filled, right.keys() - 1)},
      seeing));
  AttentionModel wrong = right;
  wrong.weigh = [filled](const ScoredRow& row) {
    ScoredRow fewer = row;
    for (std::size_t j = static_cast<std::size_t>(filled); j < fewer.visible.size(); ++j) fewer.visible[j] = false;
    return softmax(fewer);
  };
  all.push_back(
      hypothesis({"unfilled_slots_skipped",
                  fmt::format("the cache's unfilled slots {}..{} are skipped; torchtune attends to their zeros", filled,
                              right.keys() - 1)},
                 wrong));
}

}  // namespace

Hypotheses key_value_hypotheses(const AttentionModel& right) {
  Hypotheses all;
  if (right.kv_heads() > 1) add_heads(all, right);
  if (right.samples() > 1) add_samples(all, right);
  add_moved(all, right);
  add_unfilled(all, right);
  return all;
}

}  // namespace attest::harness::explain
