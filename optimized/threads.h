#pragma once

#include <omp.h>

#include <atomic>
#include <cstddef>

#include "optimized/call_clock.h"

namespace attest::optimized {

/// What a loop does, for the decision how many threads are worth it.
struct Work {
  std::size_t multiply_adds;
  std::size_t bytes;  ///< read, that may have to come from memory
};

/// All threads, or the caller's alone where waking another costs more than it gains: some microseconds.
inline int threads_for(const Work& work) {
  constexpr std::size_t kWorthMultiplyAdds = std::size_t{1} << 19, kWorthBytes = std::size_t{1} << 19;
  return work.multiply_adds > kWorthMultiplyAdds || work.bytes > kWorthBytes ? omp_get_max_threads() : 1;
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
  if (threads == 1) {
    const Worker alone{0, clock.of(0)};
    for (std::size_t item = 0; item < count; ++item) body(item, alone);
    return;
  }
  std::atomic<std::size_t> next{0};  // OpenMP's own dynamic schedule allocates in some runtimes
  clock.fork(static_cast<std::size_t>(threads));
#pragma omp parallel num_threads(threads)
  {
    const auto thread = static_cast<std::size_t>(omp_get_thread_num());
    const Worker worker{thread, clock.of(thread)};
    worker.end_of(Part::waiting);
    for (std::size_t item = next++; item < count; item = next++) body(item, worker);
  }
  clock.join();
}

}  // namespace attest::optimized
