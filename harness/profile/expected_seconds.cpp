#include "harness/profile/expected_seconds.h"

#include <algorithm>

namespace attest::harness {
namespace {

constexpr double kOrdinaryFlops = 1e11, kOrdinaryStream = 1e10;
constexpr double kPeaks = 0.1;           // of measuring them beside every repetition
constexpr double kCallsARepetition = 4;  // cold, warm, one whose stages are timed, one like it
constexpr double kSetUpAndVerify = 1.0;

}  // namespace

double expected_seconds(const ProfileRequest& request) {
  const WorkCounts counts = count_work(request.layer.config, request.item);
  const double limit = limit_of(counts, kOrdinaryFlops, kOrdinaryStream).seconds();
  const auto sides = static_cast<double>(1 + request.peers.size());
  const double timing = request.repetitions * sides * (kPeaks + kCallsARepetition * limit);
  return kSetUpAndVerify + std::min(request.seconds, timing);
}

}  // namespace attest::harness
