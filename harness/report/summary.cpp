#include "harness/report/summary.h"

#include <algorithm>
#include <functional>

#include "harness/judge/offered.h"

namespace attest::harness {
namespace {

using ResultFilter = std::function<bool(const Result&)>;

std::vector<const Result*> select(const Run& run, const ResultFilter& wanted) {
  std::vector<const Result*> chosen;
  for (const auto& outcome : run.cases) {
    for (const auto& result : outcome.results) {
      if (wanted(result)) chosen.push_back(&result);
    }
  }
  return chosen;
}

double median_of(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// Over the stages in which elements were compared.
Spread spread_of(const Run& run, const Judged& judged, Mode mode) {
  const auto chosen = select(run, [&](const Result& result) {
    return result.judged == judged && result.mode == mode && result.comparison.judged > 0;
  });
  Spread spread;
  spread.stages = chosen.size();
  std::vector<double> values;
  for (const Result* result : chosen) {
    values.push_back(result->comparison.e);
    if (spread.worst == nullptr || result->comparison.e > spread.max) {
      spread.max = result->comparison.e;
      spread.worst = result;
    }
  }
  spread.median = median_of(std::move(values));
  return spread;
}

JudgedSummary summarise_one(const Run& run, const Judged& judged) {
  JudgedSummary summary;
  summary.judged = judged;
  const auto standing = std::ranges::find(run.standings, judged, &Standing::judged);
  if (standing != run.standings.end()) summary.standing = *standing;
  summary.localised = spread_of(run, judged, Mode::localised);
  summary.end_to_end = spread_of(run, judged, Mode::end_to_end);
  std::vector<double> medians;
  double rows = 0.0, more_accurate = 0.0;
  for (const Result* result : select(run, [&](const Result& r) { return r.judged == judged; })) {
    ++summary.counts[result->status];
    if (result->gap != Gap::not_offered && !function_of(*result).empty()) ++summary.offered;
    if (result->gap == Gap::declared) ++summary.gaps;
    if (!result->peer || result->mode != Mode::localised) continue;
    medians.push_back(result->peer->median);
    rows += static_cast<double>(result->peer->rows);
    more_accurate += static_cast<double>(result->peer->rows) * result->peer->share_more_accurate;
  }
  if (!medians.empty()) {
    summary.peer_median = median_of(std::move(medians));
    summary.share_more_accurate = more_accurate / rows;
  }
  return summary;
}

/// Sensitivity belongs to the case: the results of one implementation tell it.
void add_sensitivity(Summary& summary, const Result& result) {
  if (!result.sensitivity || result.judged.party != Party::torchtune) return;
  ++summary.attentions;
  const Result*& least = summary.least_sensitive;
  if (least == nullptr || result.sensitivity->strongest() < least->sensitivity->strongest()) least = &result;
}

}  // namespace

Summary summarise(const Run& run) {
  Summary summary;
  for (const auto& outcome : run.cases) ++summary.cases[outcome.status];
  auto everything = select(run, [](const Result&) { return true; });
  for (const auto& absence : run.absences) everything.push_back(&absence);
  for (const Result* result : everything) {
    ++summary.results[result->status];
    if (result->status == Status::skipped) {
      Skips& skips = summary.skips[result->message];
      ++skips.results;
      skips.judged.insert(label_of(result->judged));
    }
    add_sensitivity(summary, *result);
    if (result->marginal) ++summary.marginal;
    summary.ill_conditioned_rows += result->comparison.ill_conditioned_rows;
  }
  for (const auto& judged : run.judged) summary.judged.push_back(summarise_one(run, judged));
  summary.truth = spread_of(run, {Party::truth}, Mode::truth);
  return summary;
}

}  // namespace attest::harness
