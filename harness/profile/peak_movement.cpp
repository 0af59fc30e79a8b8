#include "harness/profile/peak_movement.h"

#include <algorithm>

namespace attest::harness {

double movement_of(const std::vector<double>& peaks) {
  if (peaks.size() < 2) return 0.0;
  const auto [least, most] = std::ranges::minmax(peaks);
  return most / least - 1.0;
}

double peak_movement(const ProfileResult& result, const std::vector<ProfileResult>& before) {
  const bool by_memory = result.limit.by_memory();
  const auto& samples = by_memory ? result.stream_samples : result.fma_samples;
  const auto middle = samples.begin() + static_cast<std::ptrdiff_t>(samples.size() / 2);
  if (middle == samples.begin()) return 0.0;
  std::vector<double> peaks = {timing_of({samples.begin(), middle}).median, timing_of({middle, samples.end()}).median};
  for (const auto& earlier : before) {
    const bool is_alike = earlier.request.threads == result.request.threads &&
                          (by_memory || earlier.request.target == result.request.target);
    if (is_alike) peaks.push_back(by_memory ? earlier.stream.median : earlier.fma.median);
  }
  return movement_of(peaks);
}

}  // namespace attest::harness
