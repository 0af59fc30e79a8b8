#include "harness/machine_peaks.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>

#include "optimized/kernel_tables.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSeconds = 0.01;                              // one sample of the fused multiply-adds
constexpr std::size_t kFloats = (std::size_t{512} << 20) / 4;  // more than any cache that one guest has to itself
constexpr std::size_t kChunks = 64;                            // dealt out to the threads
constexpr std::size_t kHalf = kFloats / kChunks / 2;
constexpr std::size_t kLine = 16;     // words of a cache line
constexpr std::size_t kAhead = 1024;  // words that are prefetched ahead

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Adds the words of one cache line to `sums`: as integers, whose additions need no order.
void add_line(const float* line, std::uint32_t (&sums)[kLine]) {
  std::uint32_t words[kLine];
  __builtin_prefetch(line + kAhead);
  std::memcpy(words, line, sizeof words);
  for (std::size_t lane = 0; lane < kLine; ++lane) sums[lane] += words[lane];
}

/// The sum of a chunk's words. Two places of it are read in turn: of the ways that were tried (one to eight places,
/// more sums, other distances of the prefetch) the fastest one, by a tenth.
std::uint32_t sum_of(const float* chunk) {
  std::uint32_t first[kLine] = {}, second[kLine] = {};
  for (std::size_t i = 0; i < kHalf; i += kLine) {
    add_line(chunk + i, first);
    add_line(chunk + kHalf + i, second);
  }
  std::uint32_t total = 0;
  for (std::size_t lane = 0; lane < kLine; ++lane) total += first[lane] + second[lane];
  return total;
}

}  // namespace

MachinePeaks::MachinePeaks(optimized::Target target) : target_(target), steps_(1000) {
  float* memory = memory_.reserve(kFloats);
  for (std::size_t i = 0; i < kFloats; ++i) memory[i] = static_cast<float>(i % 1021);
  calibrate();
}

/// Doubles the steps until a run is long enough to be scaled. The shortest of three counts: the first one also starts
/// the threads, and somebody else may be running.
void MachinePeaks::calibrate() {
  for (;; steps_ *= 2) {
    double seconds = kSeconds;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto start = Clock::now();
      run_fma();
      seconds = std::min(seconds, seconds_since(start));
    }
    if (seconds <= kSeconds / 4) continue;
    steps_ = static_cast<std::size_t>(static_cast<double>(steps_) * kSeconds / seconds);
    return;
  }
}

double MachinePeaks::run_fma() const {
  const auto& kernels = optimized::kernels_of(target_);
  double operations = 0.0;
#pragma omp parallel reduction(+ : operations)
  {
    alignas(64) float sink[64];
    for (float& value : sink) value = 0.5F;
    operations += kernels.run_peak(steps_, sink);
  }
  return operations;
}

double MachinePeaks::measure_fma() {
  const auto start = Clock::now();
  const double operations = run_fma();
  return operations / seconds_since(start);
}

double MachinePeaks::measure_stream() {
  float* memory = memory_.data();
  std::uint32_t total = 0;
  const auto start = Clock::now();
#pragma omp parallel for schedule(static) reduction(+ : total)
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) total += sum_of(memory + chunk * 2 * kHalf);
  const double seconds = seconds_since(start);
  // Writing the sum back keeps the loop alive.
  memory[0] = static_cast<float>(total % 1021);
  return static_cast<double>(kFloats * sizeof(float)) / seconds;
}

}  // namespace attest::harness
