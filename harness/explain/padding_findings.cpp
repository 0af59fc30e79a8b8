#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "harness/explain/attention_hypotheses.h"

namespace attest::harness::explain {
namespace {

/// Keys of score 0 without a value.
Weigh with_padding(double keys) {
  return [keys](const ScoredRow& row) {
    const std::vector<double> logits = row.logits();
    const double largest = std::ranges::max(logits);
    std::vector<double> weights = softmax(row);
    if (!std::isfinite(largest)) return weights;
    double sum = 0.0;
    for (const double logit : logits) sum += std::exp(logit - largest);
    for (double& weight : weights) weight *= sum / (sum + keys * std::exp(-largest));
    return weights;
  };
}

/// How many keys of score 0 make the row what it is.
double keys_in(const AttentionModel& right, const Residual& residual, std::int64_t row) {
  const auto got = residual.got(row), truth = residual.truth(row);
  const double factor = std::inner_product(got.begin(), got.end(), truth.begin(), 0.0) /
                        std::inner_product(truth.begin(), truth.end(), truth.begin(), 0.0);
  const std::vector<double> logits = right.scored(right.at(row)).logits();
  double sum = 0.0;
  for (const double logit : logits) sum += std::exp(logit);
  return sum * (1 / factor - 1);
}

}  // namespace

std::vector<Fitting> padding_findings(const AttentionModel& right, const Residual& residual,
                                      const std::vector<std::int64_t>& rows) {
  const auto farthest = std::ranges::max_element(rows, {}, [&](std::int64_t row) { return residual.e(row); });
  const double keys = std::round(keys_in(right, residual, *farthest));
  if (!(keys >= 1 && keys <= 0x1p20)) return {};
  AttentionModel wrong = right;
  wrong.weigh = with_padding(keys);
  const Finding finding{"padding_in_row_sum",
                        fmt::format("{:g} key{} of score 0 beyond the last, as padding has, count{} in the row's sum",
                                    keys, keys == 1 ? "" : "s", keys == 1 ? "s" : "")};
  return those_that_fit({hypothesis(finding, wrong)}, residual, rows);
}

}  // namespace attest::harness::explain
