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
  add("kv_head_of_last_group", "the last group's heads read the key/value head before theirs",
      [n_kv, queries](std::int64_t h) { return h / queries == n_kv - 1 ? n_kv - 2 : h / queries; });
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

}  // namespace

Hypotheses key_value_hypotheses(const AttentionModel& right) {
  Hypotheses all;
  if (right.kv_heads() > 1) add_heads(all, right);
  if (right.samples() > 1) add_samples(all, right);
  add_moved(all, right);
  return all;
}

}  // namespace attest::harness::explain
