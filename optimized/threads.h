#pragma once

#include <atomic>
#include <cstddef>

#include "optimized/call_clock.h"
#include "optimized/thread_team.h"

namespace attest::optimized {

/// What a loop does, for the decision how many threads are worth it.
struct Work {
  std::size_t multiply_adds;
  std::size_t bytes;  ///< read, that may have to come from memory
};

/// Cores that this process may run on.
int usable_cores();

/// `all` threads, or the caller's alone where waking another costs more than it gains: some microseconds.
inline int threads_for(const Work& work, int all) {
  constexpr std::size_t kWorthMultiplyAdds = std::size_t{1} << 19, kWorthBytes = std::size_t{1} << 19;
  return work.multiply_adds > kWorthMultiplyAdds || work.bytes > kWorthBytes ? all : 1;
}

/// One of the threads that share a loop.
struct Worker {
  std::size_t thread;
  ThreadClock* clock;  ///< null without times

  void end_of(Part part) const noexcept { optimized::end_of(clock, part); }
};

/// Calls body(item, worker) for every item in [0, count), in this order, each as soon as a thread is free. One thread
/// is the caller itself: nobody is woken and nothing is allocated.
template <class Body>
void for_each_item(std::size_t count, int threads, CallClock& clock, const Body& body) {
  std::atomic<std::size_t> next{0};
  const auto work = [&](std::size_t thread) {
    const Worker worker{thread, clock.of(thread)};
    for (std::size_t item = next++; item < count; item = next++) body(item, worker);
  };
  if (threads == 1) return work(0);
  clock.fork(static_cast<std::size_t>(threads));
  ThreadTeam::of_process().run(static_cast<std::size_t>(threads), [&](std::size_t thread) {
    end_of(clock.of(thread), Part::waiting);
    work(thread);
  });
  clock.join();
}

/// The same without times, and where it does not matter which thread it is.
template <class Body>
void for_each_item(std::size_t count, int threads, const Body& body) {
  CallClock untimed;
  for_each_item(count, threads, untimed, [&](std::size_t item, const Worker&) { body(item); });
}

}  // namespace attest::optimized
