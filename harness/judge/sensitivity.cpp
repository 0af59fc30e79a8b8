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

using reference::Array;
using reference::RowIndex;

/// |difference| in budgets; a budget of zero notices everything. Where the truth is NaN, nothing is measured.
double share(double difference, double budget) {
  if (difference == 0.0 || std::isnan(difference) || std::isnan(budget)) return 0.0;
  return budget > 0.0 ? std::fabs(difference) / budget : std::numeric_limits<double>::infinity();
}

class Mutations {
 public:
  Mutations(const AttentionInputs& inputs, const reference::StageTruth& truth)
      : q_(reference::to_array<double>(inputs.q)),
        k_(reference::to_array<double>(inputs.k)),
        v_(reference::to_array<double>(inputs.v)),
        mask_(reference::attention_mask<double>(inputs.mask, inputs.is_causal, inputs.q.dim(0), inputs.q.dim(2),
                                                inputs.k.dim(2))),
        y_(truth.value.as<double>()),
        budget_(truth.budget.as<double>()),
        of_key_(k_.shape(2), -1.0) {}

  Sensitivity measure() {
    const std::int64_t s_x = extent(q_, 2), n_h = extent(q_, 1), rows = extent(q_, 0) * n_h * s_x;
    const std::int64_t queries = n_h / extent(k_, 1), taken = std::min(rows, kMostSensitivityRows);
    for (std::int64_t n = 0; n < taken; ++n) {
      const std::int64_t row = n * rows / taken, h = row / s_x % n_h;
      take({row / s_x / n_h, h, h / queries, row % s_x});
    }
    summarise_keys();
    return found_;
  }

 private:
  static std::int64_t extent(const Array<double>& array, std::size_t axis) {
    return static_cast<std::int64_t>(array.shape(axis));
  }
  std::span<const double> row_of(std::span<const double> values, const RowIndex& at, std::int64_t head) const {
    const auto row = (at.b * extent(q_, 1) + head) * extent(q_, 2) + at.i;
    return values.subspan(static_cast<std::size_t>(row) * q_.shape(3), q_.shape(3));
  }

  void take(const RowIndex& at) {
    const auto y = row_of(y_, at, at.h), budget = row_of(budget_, at, at.h);
    const reference::AttentionRow<double> row = reference::attention_row(q_, k_, mask_, at);
    if (std::ranges::all_of(y, [](double value) { return value == 0.0; })) {
      read_as_ones(budget);
    } else {
      drop_keys(at, row, y, budget);
    }
    if (extent(q_, 1) > 1) swap_heads(at, y, budget);
    nudge_scale(at, row, y, budget);
  }

  void read_as_ones(std::span<const double> budget) {
    for (const double limit : budget) ones_ = std::max(ones_, share(1.0 / static_cast<double>(of_key_.size()), limit));
  }

  /// Without key j, y_c moves by p_j / (1 - p_j) (y_c - v_jc); without its only key, to zero.
  void drop_keys(const RowIndex& at, const reference::AttentionRow<double>& row, std::span<const double> y,
                 std::span<const double> budget) {
    for (std::size_t n = 0; n < row.keys.size(); ++n) {
      const double p = row.probabilities[n];
      const auto value = reference::row(v_, at.b, at.g, row.keys[n]);
      const bool is_only = row.keys.size() == 1;
      double& worst = is_only ? only_key_ : of_key_[static_cast<std::size_t>(row.keys[n])];
      worst = std::max(worst, 0.0);
      for (std::size_t c = 0; c < y.size(); ++c) {
        const double moved = p < 1.0 ? p / (1.0 - p) * (y[c] - value[c]) : -y[c];
        worst = std::max(worst, share(moved, budget[c]));
      }
    }
  }

  void swap_heads(const RowIndex& at, std::span<const double> y, std::span<const double> budget) {
    const auto other = row_of(y_, at, (at.h + 1) % extent(q_, 1));
    double worst = found_.swapped_heads.value_or(0.0);
    for (std::size_t c = 0; c < y.size(); ++c) worst = std::max(worst, share(other[c] - y[c], budget[c]));
    found_.swapped_heads = worst;
  }

  /// To first order in the change d of the scale, dy_c = sum_j p_j (v_jc - y_c) d s_j, s_j without the mask.
  void nudge_scale(const RowIndex& at, const reference::AttentionRow<double>& row, std::span<const double> y,
                   std::span<const double> budget) {
    const auto query = reference::row(q_, at.b, at.h, at.i);
    const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(query.size())));
    const double unit = static_cast<double>(std::nextafter(scale, 2 * scale) - scale);
    std::vector<double> moved(y.size(), 0.0);
    for (std::size_t n = 0; n < row.keys.size(); ++n) {
      if (row.probabilities[n] == 0.0) continue;
      const auto key = reference::row(k_, at.b, at.g, row.keys[n]), value = reference::row(v_, at.b, at.g, row.keys[n]);
      const double change =
          row.probabilities[n] * unit * std::inner_product(query.begin(), query.end(), key.begin(), 0.0);
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

  Array<double> q_, k_, v_;
  reference::AttentionMask<double> mask_;
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
