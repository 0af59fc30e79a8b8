#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
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

/// One that explains a row, and how well.
struct Candidate {
  Miscount miscount;
  Nearness nearness;
};

/// The chance to come as near by searching is to be below this.
constexpr double kMostChance = 1e-3;

/// The logarithm of the part of the ball around what was got, as wide as the truth is off, that is as near as this.
double log_chance(const Nearness& nearness, std::size_t channels) {
  return 0.5 * static_cast<double>(channels) * std::log(nearness.wrongs / nearness.truths);
}

/// What a miscount leaves: y* with the share of some keys added or taken away, then divided by what the weights add up
/// to. All closed forms on the truth's own probabilities.
class RowOfKeys {
 public:
  RowOfKeys(const AttentionModel& right, const Residual& residual, std::int64_t row)
      : model_(right), residual_(residual), row_(row), at_(right.at(row)), scored_(right.scored(at_)) {
    weights_ = right.weigh(scored_);
  }

  /// Every miscount that explains this row.
  std::vector<Candidate> explanations() {
    add_single_keys();
    add_runs();
    return std::move(found_);
  }
  /// How many miscounts were tried.
  double tried() const { return tried_; }

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
  void add_if_fits(const char* id, std::size_t first, std::size_t last, const std::vector<double>& share, double times,
                   bool divided = true) {
    const double sum = divided ? 1.0 + times * share.back() : 1.0;
    const auto truth = residual_.truth(row_);
    std::vector<double> wrong(truth.size());
    for (std::size_t c = 0; c < wrong.size(); ++c) wrong[c] = (truth[c] + times * share[c]) / sum;
    const Nearness nearness = residual_.nearness(row_, wrong);
    Fit fit(residual_);
    ++tried_;
    if (!fit.takes(nearness) || !fit.is_clearly_nearer_than_truth()) return;
    found_.push_back({{id, static_cast<std::int64_t>(first), static_cast<std::int64_t>(last)}, nearness});
  }

  void add_single_keys() {
    for (std::size_t j = 0; j < size(); ++j) {
      if (!scored_.visible[j]) {
        add_if_fits("hidden_key_seen", j, j, as_if_seen(j), 1.0);
        continue;
      }
      const std::vector<double> own = share(j, j);
      add_if_fits("key_missing", j, j, own, -1.0);
      add_if_fits("key_twice", j, j, own, 1.0);
      add_if_fits("value_missing", j, j, own, -1.0, false);
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
  void add_runs() {
    const auto visible = [this](std::size_t j) { return static_cast<bool>(scored_.visible[j]); };
    std::size_t begin = 0, end = size();
    while (begin < end && !visible(begin)) ++begin;
    while (end > begin && !visible(end - 1)) --end;
    std::vector<double> head(residual_.row_length() + 1, 0.0), tail = head;
    for (std::size_t count = 1; begin + count < end; ++count) {
      add(head, begin + count - 1, weights_[begin + count - 1]);
      add(tail, end - count, weights_[end - count]);
      if (count == 1) continue;
      add_run(head, begin, begin + count - 1);
      add_run(tail, end - count, end - 1);
    }
  }
  void add_run(const std::vector<double>& share, std::size_t first, std::size_t last) {
    add_if_fits("key_missing", first, last, share, -1.0);
    add_if_fits("key_twice", first, last, share, 1.0);
  }

  const AttentionModel& model_;
  const Residual& residual_;
  std::int64_t row_;
  reference::RowIndex at_;
  ScoredRow scored_;
  std::vector<double> weights_;
  std::vector<Candidate> found_;
  double tried_ = 0.0;
};

struct ExplainedRow {
  reference::RowIndex at;
  std::vector<Candidate> by;
  double tried;

  const Candidate* find(const Miscount& miscount) const {
    const auto found = std::ranges::find(by, miscount, &Candidate::miscount);
    return found == by.end() ? nullptr : &*found;
  }
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

/// The keys of one kind in all rows, in words, and how well that fits.
struct Pattern {
  std::string keys;
  double rms;
};

/// Of one miscount in each row: nullopt where a row has another, or where chance would do as well.
template <class MiscountOf>
std::optional<double> rms_of(const std::vector<ExplainedRow>& rows, std::size_t channels, const MiscountOf& of) {
  double squares = 0.0, chance = std::log(rows.front().tried);
  for (const ExplainedRow& row : rows) {
    const Candidate* candidate = row.find(of(row.at.i));
    if (candidate == nullptr) return std::nullopt;
    squares += candidate->nearness.wrongs;
    chance += log_chance(candidate->nearness, channels);
  }
  if (!(chance <= std::log(kMostChance))) return std::nullopt;
  return std::sqrt(squares / static_cast<double>(rows.size() * channels));
}

/// How the keys follow from the row, if they do: the same everywhere, or by their distance from the token.
std::optional<Pattern> regular_pattern(const std::vector<ExplainedRow>& rows, const std::string& id,
                                       std::size_t channels) {
  for (const auto& [candidate, nearness] : rows.front().by) {
    if (candidate.id != id) continue;
    const Miscount& same = candidate;
    if (const auto rms = rms_of(rows, channels, [&](std::int64_t) { return same; }))
      return Pattern{keys_text(same), *rms};
    const std::int64_t distance = same.last - rows.front().at.i, length = same.last - same.first;
    const auto beside = [&](std::int64_t i) { return Miscount{id, i + distance - length, i + distance}; };
    if (const auto rms = rms_of(rows, channels, beside)) {
      if (length > 0) {
        return Pattern{fmt::format("the {} keys that end at i{:+} for token i were", length + 1, distance), *rms};
      }
      return Pattern{distance == 0 ? "each token's own key was" : fmt::format("key i{:+} for token i was", distance),
                     *rms};
    }
    const auto up_to = [&](std::int64_t i) { return Miscount{id, same.first, i + distance}; };
    if (const auto rms = rms_of(rows, channels, up_to)) {
      return Pattern{fmt::format("keys {}..i{:+} for token i were", same.first, distance), *rms};
    }
  }
  return std::nullopt;
}

/// Another key in each row. A search in each row proves little: every row must rule chance out by itself.
std::optional<Pattern> irregular_pattern(const std::vector<ExplainedRow>& rows, const std::string& id,
                                         std::size_t channels) {
  double squares = 0.0;
  for (const ExplainedRow& row : rows) {
    double nearest = std::numeric_limits<double>::infinity();
    for (const auto& [miscount, nearness] : row.by) {
      const bool beyond_chance = std::log(row.tried) + log_chance(nearness, channels) <= std::log(kMostChance);
      if (miscount.id == id && beyond_chance) nearest = std::min(nearest, nearness.wrongs);
    }
    if (!std::isfinite(nearest)) return std::nullopt;
    squares += nearest;
  }
  const auto first =
      std::ranges::find_if(rows.front().by, [&](const Candidate& candidate) { return candidate.miscount.id == id; });
  return Pattern{"some keys, others in each row (in the first of them " + keys_text(first->miscount) + "), were",
                 std::sqrt(squares / static_cast<double>(rows.size() * channels))};
}

/// A row of zeros, NaN or infinity holds no trace of single keys.
bool holds_traces(std::span<const double> got) {
  return std::ranges::all_of(got, [](double y) { return std::isfinite(y); }) &&
         std::ranges::any_of(got, [](double y) { return y != 0.0; });
}

}  // namespace

std::vector<Fitting> key_findings(const AttentionModel& right, const Residual& residual,
                                  const std::vector<std::int64_t>& rows) {
  std::vector<ExplainedRow> explained;
  bool any_traces = false;
  for (const std::int64_t row : rows) {
    if (residual.e(row) <= 1.0) continue;
    RowOfKeys keys(right, residual, row);
    auto by = keys.explanations();
    if (by.empty()) return {};
    any_traces = any_traces || holds_traces(residual.got(row));
    explained.push_back({right.at(row), std::move(by), keys.tried()});
  }
  std::vector<Fitting> findings;
  if (!any_traces) return findings;
  for (const char* id : {"key_missing", "key_twice", "value_missing", "hidden_key_seen"}) {
    auto pattern = regular_pattern(explained, id, residual.row_length());
    if (!pattern) pattern = irregular_pattern(explained, id, residual.row_length());
    if (!pattern) continue;
    findings.push_back(
        {{id, fmt::format("{} look as if {}", region_text(residual), words_of(id, pattern->keys))}, pattern->rms});
  }
  return findings;
}

}  // namespace attest::harness::explain
