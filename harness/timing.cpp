#include "harness/timing.h"

#include <algorithm>
#include <cmath>

namespace attest::harness {
namespace {

double median_of_sorted(const std::vector<double>& sorted) {
  const std::size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : 0.5 * (sorted[middle - 1] + sorted[middle]);
}

}  // namespace

Timing timing_of(std::vector<double> samples) {
  std::ranges::sort(samples);
  Timing timing{median_of_sorted(samples), samples.front(), samples.back(), 0.0, samples.size()};
  for (double& sample : samples) sample = std::abs(sample - timing.median);
  std::ranges::sort(samples);
  timing.deviation = median_of_sorted(samples);
  return timing;
}

}  // namespace attest::harness
