#include "harness/profile/stage_breakdown.h"

#include <algorithm>
#include <array>

namespace attest::harness {

using optimized::kParts;
using optimized::Part;

std::string_view name_of(Caches caches) { return caches == Caches::cold ? "cold" : "warm"; }

std::string_view title_of(Part part) {
  constexpr std::array<std::string_view, kParts> kTitles = {
      "checks", "packing", "q k v", "bias, layout", "rotary", "norm", "Q K^T", "softmax", "P V", "output", "waiting"};
  return kTitles[static_cast<std::size_t>(part)];
}

std::optional<StageCounts> counts_of(Part part, const WorkCounts& counts) {
  switch (part) {
    case Part::projections:
      return counts.input_projections;
    case Part::scores:
      return counts.scores;
    case Part::values:
      return counts.values;
    case Part::output:
      return counts.output_projection;
    case Part::checks:
    case Part::packing:
    case Part::layout:
    case Part::rotary:
    case Part::norm:
    case Part::softmax:
    case Part::waiting:
      return std::nullopt;
  }
  return std::nullopt;
}

double StageBreakdown::sum() const {
  double sum = 0.0;
  for (const auto& part : parts) sum += part.seconds;
  return sum;
}

StageBreakdown breakdown_of(std::vector<TimedParts> calls, const WorkCounts& counts, const Peaks& peaks) {
  std::ranges::sort(calls, {}, &TimedParts::call);
  const TimedParts& middle = calls[(calls.size() - 1) / 2];
  StageBreakdown breakdown;
  breakdown.call = middle.call;
  breakdown.events = middle.events;
  for (std::size_t i = 0; i < kParts; ++i) {
    if (middle.parts.seconds[i] <= 0.0) continue;
    const auto part = static_cast<Part>(i);
    PartSeconds& timed =
        breakdown.parts.emplace_back(PartSeconds{part, middle.parts.seconds[i], counts_of(part, counts)});
    if (!timed.counts) continue;
    const double intensity = static_cast<double>(timed.counts->flops) / static_cast<double>(timed.counts->bytes);
    timed.roof = std::min(peaks.fma, intensity * peaks.stream);
  }
  return breakdown;
}

}  // namespace attest::harness
