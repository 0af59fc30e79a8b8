#include "harness/profile/timing.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace attest::harness {
namespace {

constexpr double kConfidence = 0.95;

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

Interval median_interval(std::vector<double> samples) {
  std::ranges::sort(samples);
  const std::size_t n = samples.size();
  // Each sample is below the median with probability 1/2; `outside`: that at most `left_out` of them are.
  const auto probability_of = [count = static_cast<double>(n)](std::size_t below) {
    const auto k = static_cast<double>(below);
    return std::exp(std::lgamma(count + 1) - std::lgamma(k + 1) - std::lgamma(count - k + 1) -
                    count * std::numbers::ln2);
  };
  std::size_t left_out = 0;
  double outside = probability_of(0);
  while (2 * (left_out + 1) < n && 2 * (outside + probability_of(left_out + 1)) <= 1 - kConfidence) {
    outside += probability_of(++left_out);
  }
  return {samples[left_out], samples[n - 1 - left_out], 1 - 2 * outside};
}

}  // namespace attest::harness
