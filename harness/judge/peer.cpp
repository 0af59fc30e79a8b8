#include "harness/judge/peer.h"

#include <algorithm>
#include <cmath>
#include <span>

namespace attest::harness {
namespace {

constexpr double kFloorShare = 1.0 / 1024.0;

using Row = std::span<const double>;

double rms_difference(Row a, Row b) {
  double sum = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum / static_cast<double>(a.size()));
}

double rms(Row a) {
  double sum = 0.0;
  for (const double value : a) sum += value * value;
  return std::sqrt(sum / static_cast<double>(a.size()));
}

PeerRatios summarise(std::vector<double> ratios, std::int64_t more_accurate) {
  std::ranges::sort(ratios);
  const auto quantile = [&](double q) {
    return ratios[static_cast<std::size_t>(q * static_cast<double>(ratios.size() - 1))];
  };
  PeerRatios peer;
  peer.rows = static_cast<std::int64_t>(ratios.size());
  peer.median = quantile(0.5);
  peer.p99 = quantile(0.99);
  peer.max = ratios.back();
  peer.share_more_accurate = static_cast<double>(more_accurate) / static_cast<double>(ratios.size());
  return peer;
}

}  // namespace

std::optional<PeerRatios> peer_ratios(const Tensor& ours, const Tensor& torchtunes,
                                      const reference::StageTruth& truth) {
  if (ours.size() == 0 || ours.shape() != truth.value.shape() || ours.shape() != torchtunes.shape())
    return std::nullopt;
  const std::vector<double> our_values = to_doubles(ours);
  const std::vector<double> their_values = to_doubles(torchtunes);
  const std::size_t length = static_cast<std::size_t>(ours.rank() == 0 ? 1 : ours.shape().back());
  std::vector<double> ratios;
  std::int64_t more_accurate = 0;
  for (std::size_t begin = 0; begin < our_values.size(); begin += length) {
    const Row exact = truth.value.as<double>().subspan(begin, length);
    const double floor = kFloorShare * rms(truth.budget.as<double>().subspan(begin, length));
    const double our_error = rms_difference(Row(our_values).subspan(begin, length), exact);
    const double their_error = rms_difference(Row(their_values).subspan(begin, length), exact);
    if (!std::isfinite(our_error) || !std::isfinite(their_error) || !(floor > 0.0)) continue;
    ratios.push_back(std::max(our_error, floor) / std::max(their_error, floor));
    more_accurate += our_error < their_error ? 1 : 0;
  }
  if (ratios.empty()) return std::nullopt;
  return summarise(std::move(ratios), more_accurate);
}

}  // namespace attest::harness
