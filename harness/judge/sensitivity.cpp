#include "harness/judge/sensitivity.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "reference/arrays.h"
#include "reference/attention.h"

namespace attest::harness {
namespace {

using reference::extent;
using reference::RowIndex;

/// |difference| in budgets; a budget of zero notices everything. Where the truth is NaN, nothing is measured.
double share(double difference, double budget) {
  if (difference == 0.0 || std::isnan(difference) || std::isnan(budget)) return 0.0;
  return budget > 0.0 ? std::fabs(difference) / budget : std::numeric_limits<double>::infinity();
}

class Mutations {
 public:
  Mutations(const AttentionInputs& inputs, const reference::StageTruth& truth)
      : call_(reference::attention_call<double>(inputs)),
        y_(truth.value.as<double>()),
        budget_(truth.budget.as<double>()),
        of_key_(call_.k.shape(2), -1.0) {}

  Sensitivity measure() {
    const std::int64_t s_x = extent(call_.q, 2), n_h = extent(call_.q, 1), rows = extent(call_.q, 0) * n_h * s_x;
    const std::int64_t queries = n_h / extent(call_.k, 1), taken = std::min(rows, kMostSensitivityRows);
    for (std::int64_t n = 0; n < taken; ++n) {
      const std::int64_t row = n * rows / taken, h = row / s_x % n_h;
      take({row / s_x / n_h, h, h / queries, row % s_x});
    }
    summarise_keys();
    return found_;
  }

 private:
  std::span<const double> row_of(std::span<const double> values, const RowIndex& at, std::int64_t head) const {
    const auto row = (at.b * extent(call_.q, 1) + head) * extent(call_.q, 2) + at.i;
    return values.subspan(static_cast<std::size_t>(row) * call_.q.shape(3), call_.q.shape(3));
  }

  void take(const RowIndex& at) {
    const auto y = row_of(y_, at, at.h), budget = row_of(budget_, at, at.h);
    const reference::AttentionRows<double> row = reference::attention_rows(call_, at);
    if (std::ranges::all_of(y, [](double value) { return value == 0.0; })) {
      read_as_ones(budget);
    } else {
      drop_keys(at, row, y, budget);
    }
    if (extent(call_.q, 1) > 1) swap_heads(at, y, budget);
    nudge_scale(at, row, y, budget);
  }

  void read_as_ones(std::span<const double> budget) {
    for (const double limit : budget) ones_ = std::max(ones_, share(1.0 / static_cast<double>(of_key_.size()), limit));
  }

  /// Without key j, y_c moves by p_j / (1 - p_j) (y_c - v_jc); without its only key, to zero.
  void drop_keys(const RowIndex& at, const reference::AttentionRows<double>& row, std::span<const double> y,
                 std::span<const double> budget) {
    const bool is_only = std::ranges::count(row.visible, true) == 1;
    for (std::size_t j = 0; j < of_key_.size(); ++j) {
      if (!row.visible(0, j)) continue;
      const double p = row.probabilities(0, j);
      const auto value = reference::row(call_.v, at.b, at.g, static_cast<std::int64_t>(j));
      double& worst = is_only ? only_key_ : of_key_[j];
      worst = std::max(worst, 0.0);
      for (std::size_t c = 0; c < y.size(); ++c) {
        const double moved = p < 1.0 ? p / (1.0 - p) * (y[c] - value[c]) : -y[c];
        worst = std::max(worst, share(moved, budget[c]));
      }
    }
  }

  void swap_heads(const RowIndex& at, std::span<const double> y, std::span<const double> budget) {
    const auto other = row_of(y_, at, (at.h + 1) % extent(call_.q, 1));
    double worst = found_.swapped_heads.value_or(0.0);
    for (std::size_t c = 0; c < y.size(); ++c) worst = std::max(worst, share(other[c] - y[c], budget[c]));
    found_.swapped_heads = worst;
  }

  /// To first order in the change d of the scale, dy_c = sum_j p_j (v_jc - y_c) d s_j, s_j without the mask.
  void nudge_scale(const RowIndex& at, const reference::AttentionRows<double>& row, std::span<const double> y,
                   std::span<const double> budget) {
    const auto scale = static_cast<float>(call_.scale);
    const double unit = static_cast<double>(std::nextafter(scale, 2 * scale) - scale);
    std::vector<double> moved(y.size(), 0.0);
    for (std::size_t j = 0; j < of_key_.size(); ++j) {
      if (row.probabilities(0, j) == 0.0) continue;
      const auto value = reference::row(call_.v, at.b, at.g, static_cast<std::int64_t>(j));
      const double change = row.probabilities(0, j) * unit * row.scores(0, j) / call_.scale;
      for (std::size_t c = 0; c < y.size(); ++c) moved[c] += change * (value[c] - y[c]);
    }
    for (std::size_t c = 0; c < y.size(); ++c) found_.scale = std::max(found_.scale, share(moved[c], budget[c]));
  }

  void summarise_keys() {
    const auto seen = std::ranges::count_if(of_key_, [](double e) { return e >= 0.0; });
    const auto noticed = std::ranges::count_if(of_key_, [](double e) { return e > 1.0; });
    const double among_others = std::ranges::max(of_key_);
    found_.dropped_key = seen > 0 ? among_others : only_key_ >= 0.0 ? only_key_ : ones_;
    found_.keys_noticed = seen == 0 ? 0.0 : static_cast<double>(noticed) / static_cast<double>(seen);
  }

  reference::AttentionCall<double> call_;
  std::span<const double> y_, budget_;
  std::vector<double> of_key_;  ///< largest e of each key's loss beside others; negative if no row sees it so
  double only_key_ = -1.0;      ///< largest e of an only key's loss; negative if every row sees several
  double ones_ = 0.0;           ///< largest e of a row of zeros that reads ones
  Sensitivity found_;
};

}  // namespace

Sensitivity sensitivity_of(const AttentionInputs& inputs, const reference::StageTruth& truth) {
  return Mutations(inputs, truth).measure();
}

std::string why_mistrusted(const Comparison& comparison, const Sensitivity* sensitivity) {
  // Where the truth is constant on purpose, zeros may be the right answer: then the mutations decide.
  const bool decided_by_mutations = comparison.constant_truth && sensitivity != nullptr;
  if (!comparison.has_power && !decided_by_mutations) return "an all-zero output would have passed";
  if (sensitivity == nullptr || sensitivity->strongest() > 1.0) return "";
  return fmt::format(
      "neither a dropped key (e {:.2g}), nor swapped heads (e {:.2g}), nor another scale (e {:.2g}) would have failed",
      sensitivity->dropped_key, sensitivity->swapped_heads.value_or(0.0), sensitivity->scale);
}

}  // namespace attest::harness
