#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "optimized/part_clock.h"

namespace attest::optimized {

std::string_view name_of(Part part);  ///< "checks", ...

/// Ticks of the processor's counter: reading it takes some ten nanoseconds.
std::uint64_t ticks_now() noexcept;

/// Seconds that calls spent in each part; every call adds to them. Threads that work together each count for their
/// share of one, so that the sum is the time that passed.
struct PartTimes {
  std::array<double, kParts> seconds{};
  /// ticks_now() when the caller made the call, so that the way into it counts as well (among the checks); or 0.
  std::uint64_t called_at = 0;

  double& operator[](Part part) { return seconds[static_cast<std::size_t>(part)]; }
  double operator[](Part part) const { return seconds[static_cast<std::size_t>(part)]; }
};

/// Counts one thread's ticks.
class alignas(64) ThreadClock : public PartClock {
 public:
  ThreadClock() : PartClock{add} {}

  void restart(std::uint64_t now) { last_ = now; }
  /// The time since the last part goes to the parts of `sample`, in its proportions.
  void end_like(const ThreadClock& sample) noexcept;
  /// Adds its ticks times `share` to `sums`, and forgets them.
  void move_to(std::array<double, kParts>& sums, double share) noexcept;

 private:
  static void add(PartClock& clock, Part part) noexcept;

  std::uint64_t last_ = 0;
  std::array<std::uint64_t, kParts> ticks_{};
};

inline void end_of(PartClock* clock, Part part) noexcept {
  if (clock != nullptr) clock->end_of(*clock, part);
}

/// Where the time of one call goes, over all threads.
class CallClock {
 public:
  /// A call begins. Without times no counter is read, and there are no thread clocks.
  void start(PartTimes* times);
  /// The caller alone was at work on this part.
  void end_of(Part part) noexcept { optimized::end_of(of(0), part); }
  /// From here to join() so many threads work; the caller is thread 0.
  void fork(std::size_t threads);
  void join() noexcept;
  /// Null without times.
  ThreadClock* of(std::size_t thread) noexcept { return times_ == nullptr ? nullptr : &threads_[thread]; }
  /// The call ends: its times are added up.
  void stop() noexcept;

 private:
  using Clock = std::chrono::steady_clock;

  PartTimes* times_ = nullptr;
  std::vector<ThreadClock> threads_;
  std::size_t working_ = 1;
  std::array<double, kParts> ticks_{};
  Clock::time_point made_ = Clock::now();  ///< together with made_at_ tells how long a tick is
  std::uint64_t made_at_ = ticks_now();
};

/// Times one of many short pieces of work, and takes it for all of them: the counter would cost as much as they do.
class SampledClock {
 public:
  explicit SampledClock(ThreadClock* clock) : clock_(clock) {}
  ~SampledClock() {
    if (clock_ != nullptr) clock_->end_like(sample_);
  }
  SampledClock(const SampledClock&) = delete;
  SampledClock& operator=(const SampledClock&) = delete;

  /// The clock of the next piece: null for most of them.
  PartClock* next() noexcept {
    constexpr std::size_t kEvery = 16;
    if (clock_ == nullptr || pieces_++ % kEvery != 0) return nullptr;
    sample_.restart(ticks_now());
    return &sample_;
  }

 private:
  ThreadClock* clock_;
  ThreadClock sample_;
  std::size_t pieces_ = 0;
};

}  // namespace attest::optimized
