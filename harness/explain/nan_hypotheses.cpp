#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

bool is_finite(std::span<const double> values) {
  return std::ranges::all_of(values, [](double value) { return std::isfinite(value); });
}

std::size_t hidden_at_first(const ScoredRow& row) {
  return static_cast<std::size_t>(std::ranges::find(row.visible, true) - row.visible.begin());
}

enum class Through { values, values_and_scores };

/// The weight 0 of a hidden key meets its value, in rows that see another; where -inf is added to its score, a NaN
/// score stays NaN as well.
Hypothesis hidden_come_through(const AttentionModel& right, Through what) {
  return {{"hidden_nan_seen", "NaN or infinity in hidden keys or values comes through, as 0 times NaN does"},
          [right, what](std::int64_t row) {
            const auto at = right.at(row);
            const ScoredRow scored = right.scored(at);
            std::vector<double> y = right.output(row);
            if (hidden_at_first(scored) == scored.visible.size()) return y;
            for (std::size_t j = 0; j < scored.visible.size(); ++j) {
              if (scored.visible[j]) continue;
              const auto value = right.value(at, static_cast<std::int64_t>(j));
              const bool lost =
                  what == Through::values_and_scores && !(scored.scores[j] < std::numeric_limits<double>::infinity());
              for (std::size_t c = 0; c < y.size(); ++c) {
                if (lost || !std::isfinite(value[c])) y[c] = kNaN;
              }
            }
            return y;
          }};
}

std::vector<double> zero_if_nan(const ScoredRow& row) {
  std::vector<double> weights = softmax(row);
  if (std::ranges::any_of(row.logits(), [](double logit) { return std::isnan(logit); })) {
    std::ranges::fill(weights, 0.0);
  }
  return weights;
}

/// exp(-inf - -inf) in blocks that are hidden altogether, before any other.
Weigh nan_after_hidden(std::size_t keys) {
  return [keys](const ScoredRow& row) {
    const std::size_t hidden = hidden_at_first(row);
    if (hidden < keys || hidden == row.visible.size()) return softmax(row);
    return std::vector<double>(row.visible.size(), kNaN);
  };
}

/// As few keys as the rows that are NaN have hidden at first.
std::size_t fewest_hidden(const AttentionModel& right, const Residual& residual) {
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  constexpr std::size_t kRows = 64;
  for (const std::int64_t row : residual.sample(kRows)) {
    if (is_finite(residual.got(row))) continue;
    fewest = std::min(fewest, hidden_at_first(right.scored(right.at(row))));
  }
  return fewest;
}

}  // namespace

Hypotheses nan_hypotheses(const AttentionModel& right, const Residual& residual) {
  Hypotheses all = {hidden_come_through(right, Through::values),
                    hidden_come_through(right, Through::values_and_scores)};
  AttentionModel wrong = right;
  wrong.weigh = zero_if_nan;
  all.push_back(hypothesis({"nan_taken_for_blind",
                            "a row whose scores are NaN is taken for one that sees no key: it "
                            "holds zeros instead of NaN"},
                           wrong));
  const std::size_t fewest = fewest_hidden(right, residual);
  if (fewest > 0 && fewest < static_cast<std::size_t>(right.keys())) {
    wrong.weigh = nan_after_hidden(fewest);
    all.push_back(hypothesis({"first_keys_hidden", fmt::format("rows whose first keys are all hidden ({} of them, or "
                                                               "more) hold NaN: exp(-inf - -inf)",
                                                               fewest)},
                             wrong));
  }
  return all;
}

}  // namespace attest::harness::explain
