#include "harness/explain/row_of_keys.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace attest::harness::explain {
namespace {

/// How many runs of keys in the middle are tried in a row.
constexpr std::size_t kMostRuns = 4096;
/// In squares: a candidate that another beats so clearly is none.
constexpr double kClearlyBeaten = 16.0;

/// sum_j w_j v_j over the keys before the i-th, and their weight as the last element: a run of keys is a difference.
class SharesBefore {
 public:
  SharesBefore(const AttentionModel& model, const reference::RowIndex& at, const std::vector<double>& weights)
      : before_(weights.size() + 1, std::vector<double>(static_cast<std::size_t>(model.head_dim()) + 1, 0.0)) {
    for (std::size_t j = 0; j < weights.size(); ++j) {
      before_[j + 1] = before_[j];
      if (weights[j] == 0.0) continue;  // whose value is not read
      const auto value = model.value(at, static_cast<std::int64_t>(j));
      const double weight = weights[j] * model.kept(at, static_cast<std::int64_t>(j));
      for (std::size_t c = 0; c < value.size() && weight != 0.0; ++c) before_[j + 1][c] += weight * value[c];
      before_[j + 1].back() += weights[j];
    }
  }

  std::vector<double> of(std::size_t first, std::size_t last) const {
    std::vector<double> share = before_[last + 1];
    for (std::size_t c = 0; c < share.size(); ++c) share[c] -= before_[first][c];
    return share;
  }

 private:
  std::vector<std::vector<double>> before_;
};

/// exp(logit - largest) of all keys, none hidden; of a float mask the finite part counts where it is read.
std::vector<double> weights_of_all_keys(const ScoredRow& scored, bool reads_bias) {
  std::vector<double> logits = scored.scores;
  for (std::size_t j = 0; reads_bias && j < scored.bias.size(); ++j) {
    if (std::isfinite(scored.bias[j])) logits[j] += scored.bias[j];
  }
  const double largest = *std::ranges::max_element(logits);
  for (double& logit : logits) logit = std::exp(logit - largest);
  return logits;
}

/// What a miscount leaves, in closed form on the truth's own probabilities.
class RowOfKeys {
 public:
  RowOfKeys(const AttentionModel& right, const Residual& residual, std::int64_t row)
      : model_(right), residual_(residual), row_(row), at_(right.at(row)), scored_(right.scored(at_)) {}

  ExplainedRow explained() {
    weights_ = model_.weigh(scored_);
    const auto visible = [this](std::size_t j) { return static_cast<bool>(scored_.visible[j]); };
    end_ = size();
    while (begin_ < end_ && !visible(begin_)) ++begin_;
    while (end_ > begin_ && !visible(end_ - 1)) --end_;
    add_single_keys();
    add_runs();
    leave_out_the_clearly_beaten();
    std::ranges::sort(found_, {}, &Candidate::miscount);
    return {at_, static_cast<std::int64_t>(begin_), static_cast<std::int64_t>(end_) - 1, std::move(found_), tried_};
  }

 private:
  std::size_t size() const { return weights_.size(); }

  /// The row is (y* + times share) / (1 + times weight of the share).
  void add_if_fits(const char* id, std::size_t first, std::size_t last, const std::vector<double>& share, double times,
                   bool divided = true) {
    const double sum = divided ? 1.0 + times * share.back() : 1.0;
    const auto truth = residual_.truth(row_);
    std::vector<double> wrong(truth.size());
    for (std::size_t c = 0; c < wrong.size(); ++c) wrong[c] = (truth[c] + times * share[c]) / sum;
    add_if_fits(id, first, last, wrong);
  }
  void add_if_fits(const char* id, std::size_t first, std::size_t last, const std::vector<double>& wrong) {
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
      const std::vector<double> own = share_of(j, weights_[j]);
      add_if_fits("key_missing", j, j, own, -1.0);
      add_if_fits("key_twice", j, j, own, 1.0);
      add_if_fits("value_missing", j, j, own, -1.0, false);
    }
  }

  std::vector<double> share_of(std::size_t j, double weight) const {
    std::vector<double> share(residual_.row_length() + 1, 0.0);
    if (weight == 0.0) return share;
    const auto value = model_.value(at_, static_cast<std::int64_t>(j));
    const double kept = model_.kept(at_, static_cast<std::int64_t>(j));
    for (std::size_t c = 0; c < value.size() && kept != 0.0; ++c) share[c] = weight * kept * value[c];
    share.back() = weight;
    return share;
  }

  /// The share that a hidden key would have beside the row's own weights.
  std::vector<double> as_if_seen(std::size_t j) const {
    const std::vector<double> logits = scored_.logits();
    const double largest = *std::ranges::max_element(logits);
    double sum = 0.0;
    for (const double logit : logits) sum += std::exp(logit - largest);
    return share_of(j, std::exp(scored_.scores[j] - largest) / sum);
  }

  /// Runs of keys, longer than one, that were left out or counted twice; and those that were seen alone, whatever the
  /// mask hides. All that begin or end with what the row sees; of the others those on a grid, in a long row.
  void add_runs() {
    const SharesBefore seen(model_, at_, weights_), all(model_, at_, weights_of_all_keys(scored_, true)),
        unbiased(model_, at_, weights_of_all_keys(scored_, false));
    const auto is_whole = [&](std::size_t first, std::size_t last) { return first == begin_ && last + 1 == end_; };
    const auto add = [&](std::size_t first, std::size_t last) {
      if (first >= begin_ && last < end_ && first < last && !is_whole(first, last)) {
        add_if_fits("key_missing", first, last, seen.of(first, last), -1.0);
        add_if_fits("key_twice", first, last, seen.of(first, last), 1.0);
      }
      add_alone("keys_alone", first, last, all.of(first, last));
      if (!scored_.bias.empty()) add_alone("keys_alone_unbiased", first, last, unbiased.of(first, last));
    };
    for (std::size_t last = begin_; last < end_; ++last) add(begin_, last);
    for (std::size_t first = begin_ + 1; first < end_; ++first) add(first, end_ - 1);
    std::size_t grid = 1;
    while (size() / grid * (size() / grid) / 2 > kMostRuns) grid *= 2;
    for (std::size_t first = 0; first < size(); first += grid) {
      for (std::size_t after = first + grid; after <= size(); after += grid) {
        if (first != begin_ && after != end_) add(first, after - 1);
      }
    }
  }
  void add_alone(const char* id, std::size_t first, std::size_t last, const std::vector<double>& share) {
    if (!(share.back() > 0.0)) return;
    std::vector<double> wrong(share.begin(), share.end() - 1);
    for (double& value : wrong) value /= share.back();
    add_if_fits(id, first, last, wrong);
  }

  void leave_out_the_clearly_beaten() {
    double best = kRoundingNoise * kRoundingNoise * static_cast<double>(residual_.row_length());
    double least = std::numeric_limits<double>::infinity();
    for (const Candidate& candidate : found_) least = std::min(least, candidate.nearness.wrongs);
    best = std::max(best, kClearlyBeaten * least);
    std::erase_if(found_, [&](const Candidate& candidate) { return candidate.nearness.wrongs > best; });
  }

  const AttentionModel& model_;
  const Residual& residual_;
  std::int64_t row_;
  reference::RowIndex at_;
  ScoredRow scored_;
  std::vector<double> weights_;
  std::size_t begin_ = 0, end_ = 0;  ///< of what the row sees
  std::vector<Candidate> found_;
  double tried_ = 0.0;
};

}  // namespace

ExplainedRow explained_by_keys(const AttentionModel& right, const Residual& residual, std::int64_t row) {
  return RowOfKeys(right, residual, row).explained();
}

}  // namespace attest::harness::explain
