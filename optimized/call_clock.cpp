#include "optimized/call_clock.h"

#include <algorithm>
#include <numeric>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

namespace attest::optimized {

std::string_view name_of(Part part) {
  constexpr std::array<std::string_view, kParts> kNames = {"checks", "packing", "projections", "layout",
                                                           "rotary", "norm",    "scores",      "softmax",
                                                           "values", "output",  "waiting"};
  return kNames[static_cast<std::size_t>(part)];
}

std::uint64_t ticks_now() noexcept {
#ifdef __x86_64__
  return __rdtsc();
#else
  return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
#endif
}

void ThreadClock::add(PartClock& clock, Part part) noexcept {
  auto& self = static_cast<ThreadClock&>(clock);
  const std::uint64_t now = ticks_now();
  self.ticks_[static_cast<std::size_t>(part)] += now - self.last_;
  self.last_ = now;
}

void ThreadClock::end_like(const ThreadClock& sample) noexcept {
  const std::uint64_t sampled = std::accumulate(sample.ticks_.begin(), sample.ticks_.end(), std::uint64_t{0});
  if (sampled == 0) return;
  const std::uint64_t now = ticks_now(), passed = now - last_;
  last_ = now;
  const double scale = static_cast<double>(passed) / static_cast<double>(sampled);
  for (std::size_t part = 0; part < kParts; ++part) {
    ticks_[part] += static_cast<std::uint64_t>(scale * static_cast<double>(sample.ticks_[part]));
  }
}

void ThreadClock::move_to(std::array<double, kParts>& sums, double share) noexcept {
  for (std::size_t part = 0; part < kParts; ++part) sums[part] += share * static_cast<double>(ticks_[part]);
  ticks_ = {};
}

void CallClock::start(PartTimes* times) {
  times_ = times;
  if (times == nullptr) return;
  threads_.assign(std::max<std::size_t>(threads_.size(), 1), {});  // a call that threw has left its ticks
  ticks_ = {};
  working_ = 1;
  threads_.front().restart(times->called_at != 0 ? times->called_at : ticks_now());
}

void CallClock::fork(std::size_t threads) {
  if (times_ == nullptr) return;
  end_of(Part::checks);
  threads_.front().move_to(ticks_, 1.0);
  if (threads_.size() < threads) threads_.resize(threads);
  working_ = threads;
  const std::uint64_t now = ticks_now();
  for (std::size_t i = 1; i < threads; ++i) threads_[i].restart(now);
}

void CallClock::join() noexcept {
  if (times_ == nullptr) return;
  for (std::size_t i = 0; i < working_; ++i) {
    optimized::end_of(&threads_[i], Part::waiting);
    threads_[i].move_to(ticks_, 1.0 / static_cast<double>(working_));
  }
  working_ = 1;
}

void CallClock::stop() noexcept {
  if (times_ == nullptr) return;
  const double passed = std::chrono::duration<double>(Clock::now() - made_).count();
  const double a_tick = passed / static_cast<double>(ticks_now() - made_at_);
  end_of(Part::checks);
  threads_.front().move_to(ticks_, 1.0);
  for (std::size_t part = 0; part < kParts; ++part) times_->seconds[part] += ticks_[part] * a_tick;
}

}  // namespace attest::optimized
