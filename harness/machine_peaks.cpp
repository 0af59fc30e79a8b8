#include "harness/machine_peaks.h"

#include <chrono>
#include <cstdint>

#include "optimized/kernel_tables.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSeconds = 0.01;                              // one sample of the fused multiply-adds
constexpr std::size_t kFloats = (std::size_t{512} << 20) / 4;  // more than any cache that one guest has to itself
constexpr std::size_t kChunks = 512;                           // dealt out to the threads
constexpr std::size_t kChunk = kFloats / kChunks;
constexpr std::size_t kLanes = 64;  // independent sums, so that loads do not wait for additions

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// The sum of a chunk's words: as integers, whose additions the compiler may reorder and widen.
std::uint32_t sum_of(const float* chunk) {
  std::uint32_t sums[kLanes] = {};
  const auto* words = reinterpret_cast<const unsigned char*>(chunk);
  for (std::size_t i = 0; i < kChunk; i += kLanes) {
    std::uint32_t loaded[kLanes];
    __builtin_memcpy(loaded, words + i * sizeof(float), sizeof loaded);
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += loaded[lane];
  }
  std::uint32_t total = 0;
  for (const std::uint32_t sum : sums) total += sum;
  return total;
}

}  // namespace

MachinePeaks::MachinePeaks(optimized::Target target) : target_(target), steps_(1000) {
  float* memory = memory_.reserve(kFloats);
  for (std::size_t i = 0; i < kFloats; ++i) memory[i] = static_cast<float>(i % 1021);
  // Doubles until a sample is long enough to be scaled.
  for (auto start = Clock::now(); run_fma() > 0.0; start = Clock::now()) {
    const double seconds = seconds_since(start);
    if (seconds > kSeconds / 4) {
      steps_ = static_cast<std::size_t>(static_cast<double>(steps_) * kSeconds / seconds);
      break;
    }
    steps_ *= 2;
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
  for (std::size_t chunk = 0; chunk < kChunks; ++chunk) total += sum_of(memory + chunk * kChunk);
  const double seconds = seconds_since(start);
  // Writing the sum back keeps the loop alive.
  memory[0] = static_cast<float>(total % 1021);
  return static_cast<double>(kFloats * sizeof(float)) / seconds;
}

}  // namespace attest::harness
