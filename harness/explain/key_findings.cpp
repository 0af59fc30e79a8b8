#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/region.h"

namespace attest::harness::explain {
namespace {

/// Keys `first`..`last` of one row were left out or counted too often, as `id` says.
struct Miscount {
  std::string id;
  std::int64_t first = 0, last = 0;
  bool operator==(const Miscount&) const = default;
};

/// What a miscount leaves: y* with the share of some keys added or taken away, then divided by what the weights add up
/// to. All closed forms on the truth's own probabilities.
class RowOfKeys {
 public:
  RowOfKeys(const AttentionModel& right, const Residual& residual, std::int64_t row)
      : model_(right), residual_(residual), row_(row), at_(right.at(row)), scored_(right.scored(at_)) {
    weights_ = right.weigh(scored_);
  }

  /// Every miscount that explains this row.
  std::vector<Miscount> explanations() const {
    std::vector<Miscount> found;
    add_single_keys(found);
    add_runs(found);
    return found;
  }

 private:
  std::size_t size() const { return weights_.size(); }

  /// sum_j w_j v_j over keys first..last, and their weight as the last element.
  std::vector<double> share(std::size_t first, std::size_t last) const {
    std::vector<double> sum(residual_.row_length() + 1, 0.0);
    for (std::size_t j = first; j <= last; ++j) add(sum, j, weights_[j]);
    return sum;
  }
  void add(std::vector<double>& sum, std::size_t j, double weight) const {
    if (weight == 0.0) return;
    const auto value = model_.value(at_, static_cast<std::int64_t>(j));
    for (std::size_t c = 0; c < value.size(); ++c) sum[c] += weight * value[c];
    sum.back() += weight;
  }

  /// The row is (y* + times share) / (1 + times weight of the share).
  bool fits(const std::vector<double>& share, double times, bool divided = true) const {
    const double sum = divided ? 1.0 + times * share.back() : 1.0;
    const auto truth = residual_.truth(row_);
    std::vector<double> wrong(truth.size());
    for (std::size_t c = 0; c < wrong.size(); ++c) wrong[c] = (truth[c] + times * share[c]) / sum;
    return residual_.misfit(row_, wrong) <= fitting_limit(residual_);
  }

  void add_single_keys(std::vector<Miscount>& found) const {
    for (std::size_t j = 0; j < size(); ++j) {
      const auto key = static_cast<std::int64_t>(j);
      if (!scored_.visible[j]) {
        if (fits(as_if_seen(j), 1.0)) found.push_back({"hidden_key_seen", key, key});
        continue;
      }
      const std::vector<double> own = share(j, j);
      if (fits(own, -1.0)) found.push_back({"key_missing", key, key});
      if (fits(own, 1.0)) found.push_back({"key_twice", key, key});
      if (fits(own, -1.0, false)) found.push_back({"value_missing", key, key});
    }
  }

  /// The share that a hidden key would have beside the row's own weights.
  std::vector<double> as_if_seen(std::size_t j) const {
    const std::vector<double> logits = scored_.logits();
    const double largest = *std::ranges::max_element(logits);
    double sum = 0.0;
    for (const double logit : logits) sum += std::exp(logit - largest);
    std::vector<double> share(residual_.row_length() + 1, 0.0);
    add(share, j, std::exp(scored_.scores[j] - largest) / sum);
    return share;
  }

  /// Runs of keys at either end of what the row sees, longer than one.
  void add_runs(std::vector<Miscount>& found) const {
    const auto visible = [this](std::size_t j) { return static_cast<bool>(scored_.visible[j]); };
    std::size_t begin = 0, end = size();
    while (begin < end && !visible(begin)) ++begin;
    while (end > begin && !visible(end - 1)) --end;
    std::vector<double> head(residual_.row_length() + 1, 0.0), tail = head;
    for (std::size_t count = 1; begin + count < end; ++count) {
      add(head, begin + count - 1, weights_[begin + count - 1]);
      add(tail, end - count, weights_[end - count]);
      if (count == 1) continue;
      add_run(found, head, begin, begin + count - 1);
      add_run(found, tail, end - count, end - 1);
    }
  }
  void add_run(std::vector<Miscount>& found, const std::vector<double>& share, std::size_t first,
               std::size_t last) const {
    const auto from = static_cast<std::int64_t>(first), to = static_cast<std::int64_t>(last);
    if (fits(share, -1.0)) found.push_back({"key_missing", from, to});
    if (fits(share, 1.0)) found.push_back({"key_twice", from, to});
  }

  const AttentionModel& model_;
  const Residual& residual_;
  std::int64_t row_;
  reference::RowIndex at_;
  ScoredRow scored_;
  std::vector<double> weights_;
};

struct ExplainedRow {
  reference::RowIndex at;
  std::vector<Miscount> by;
};

std::string words_of(const std::string& id, const std::string& keys) {
  if (id == "key_missing") return keys + " left out";
  if (id == "key_twice") return keys + " counted twice";
  if (id == "value_missing") return keys + " left out of the sum over V, but counted in the row's sum";
  return keys + " seen although hidden";
}

std::string keys_text(const Miscount& miscount) {
  if (miscount.first == miscount.last) return fmt::format("key {} was", miscount.first);
  return fmt::format("keys {}..{} were", miscount.first, miscount.last);
}

/// How the keys follow from the row, if they do: the same everywhere, or by their distance from the token.
std::optional<std::string> pattern_of(const std::vector<ExplainedRow>& rows, const std::string& id) {
  for (const auto& candidate : rows.front().by) {
    if (candidate.id != id) continue;
    const auto every_row_has = [&](const auto& miscount_of) {
      return std::ranges::all_of(
          rows, [&](const ExplainedRow& row) { return std::ranges::count(row.by, miscount_of(row.at.i)) > 0; });
    };
    if (every_row_has([&](std::int64_t) { return candidate; })) return keys_text(candidate);
    const std::int64_t distance = candidate.last - rows.front().at.i;
    const std::int64_t length = candidate.last - candidate.first;
    if (every_row_has([&](std::int64_t i) { return Miscount{id, i + distance - length, i + distance}; })) {
      if (length > 0) return fmt::format("the {} keys that end at i{:+} for token i were", length + 1, distance);
      return distance == 0 ? "each token's own key was" : fmt::format("key i{:+} for token i was", distance);
    }
    if (every_row_has([&](std::int64_t i) { return Miscount{id, candidate.first, i + distance}; })) {
      return fmt::format("keys {}..i{:+} for token i were", candidate.first, distance);
    }
  }
  const auto some = [&](const ExplainedRow& row) { return std::ranges::count(row.by, id, &Miscount::id) > 0; };
  if (!std::ranges::all_of(rows, some)) return std::nullopt;
  const auto first = std::ranges::find(rows.front().by, id, &Miscount::id);
  return "some keys, others in each row (in the first of them " + keys_text(*first) + "), were";
}

}  // namespace

std::vector<Finding> key_findings(const AttentionModel& right, const Residual& residual,
                                  const std::vector<std::int64_t>& rows) {
  std::vector<ExplainedRow> explained;
  for (const std::int64_t row : rows) {
    if (residual.e(row) <= 1.0) continue;
    const RowOfKeys keys(right, residual, row);
    explained.push_back({right.at(row), keys.explanations()});
    if (explained.back().by.empty()) return {};
  }
  std::vector<Finding> findings;
  for (const char* id : {"key_missing", "key_twice", "value_missing", "hidden_key_seen"}) {
    const auto keys = explained.empty() ? std::nullopt : pattern_of(explained, id);
    if (keys) findings.push_back({id, fmt::format("{} look as if {}", region_text(residual), words_of(id, *keys))});
  }
  return findings;
}

}  // namespace attest::harness::explain
