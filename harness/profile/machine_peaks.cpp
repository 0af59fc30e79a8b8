#include "harness/profile/machine_peaks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>

#include "harness/machine/process_resources.h"
#include "optimized/kernel_tables.h"
#include "optimized/threads.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kSeconds = 0.001;                             // one run of fused multiply-adds
constexpr std::size_t kRuns = 10;                              // for each thread in a sample, dealt out
constexpr std::size_t kFloats = (std::size_t{512} << 20) / 4;  // more than any cache that one guest has to itself
constexpr std::size_t kChunks = 64;                            // dealt out to the threads
constexpr std::size_t kHalf = kFloats / kChunks / 2;
constexpr std::size_t kLine = 16;    // words of a cache line
constexpr std::size_t kAhead = 512;  // words that are prefetched ahead

double seconds_from(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Four words that are added at once, in the registers that every target has.
using Words = std::uint32_t __attribute__((vector_size(16)));
constexpr std::size_t kWordsALine = kLine / 4;

/// The sum of a chunk's words, as integers, whose additions need no order. Two places of it are read in turn: that was
/// the fastest of the ways that were tried (one to eight places, more sums, other distances of the prefetch).
std::uint32_t sum_of(const float* chunk) {
  Words sums[2][kWordsALine] = {};
  for (std::size_t i = 0; i < kHalf; i += kLine) {
    for (std::size_t place = 0; place < 2; ++place) {
      const float* line = chunk + place * kHalf + i;
      __builtin_prefetch(line + kAhead);
      for (std::size_t part = 0; part < kWordsALine; ++part) {
        Words words;
        std::memcpy(&words, line + 4 * part, sizeof words);
        sums[place][part] += words;
      }
    }
  }
  Words total = {};
  for (const auto& place : sums) {
    for (const Words& part : place) total += part;
  }
  return total[0] + total[1] + total[2] + total[3];
}

}  // namespace

MachinePeaks::MachinePeaks(optimized::Target target) : target_(target) {
  float* memory = memory_.reserve(kFloats);
  for (std::size_t i = 0; i < kFloats; ++i) memory[i] = static_cast<float>(i % 1021);
  calibrate();
}

/// Doubles the steps until a run is long enough to be scaled: on one thread, which waits for nobody, and the shortest
/// of three, because somebody else may be running.
void MachinePeaks::calibrate() {
  double seconds = 0.0;
  for (steps_ = 1000; seconds < kSeconds / 4; steps_ *= 2) {
    seconds = kSeconds;
    for (int attempt = 0; attempt < 3; ++attempt) {
      const auto start = Clock::now();
      run_fma();
      seconds = std::min(seconds, seconds_from(start));
    }
  }
  steps_ = static_cast<std::size_t>(static_cast<double>(steps_ / 2) * kSeconds / seconds);
}

/// On this thread alone; returns the operations done.
double MachinePeaks::run_fma() const {
  alignas(64) float sink[64];
  for (float& value : sink) value = 0.5F;
  return optimized::kernels_of(target_).run_peak(steps_, sink);
}

double MachinePeaks::measure_fma() {
  const std::size_t runs = kRuns * static_cast<std::size_t>(threads());
  std::atomic<double> operations = 0.0;
  const auto start = Clock::now();
  optimized::for_each_item(runs, threads(), [&](std::size_t) { operations += run_fma(); });
  return operations / seconds_from(start);
}

double MachinePeaks::measure_stream() {
  float* memory = memory_.data();
  std::atomic<std::uint32_t> total = 0;
  const auto start = Clock::now();
  optimized::for_each_item(kChunks, threads(), [&](std::size_t chunk) { total += sum_of(memory + chunk * 2 * kHalf); });
  const double seconds = seconds_from(start);
  // Writing the sum back keeps the loop alive.
  memory[0] = static_cast<float>(total % 1021);
  return static_cast<double>(kFloats * sizeof(float)) / seconds;
}

}  // namespace attest::harness
