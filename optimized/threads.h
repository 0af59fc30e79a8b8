#pragma once

#include <omp.h>

#include <atomic>
#include <cstddef>

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

/// Calls body(item, thread) for every item in [0, count), in this order, each as soon as a thread is free. One thread
/// is the caller itself: nobody is woken and nothing is allocated.
template <class Body>
void for_each_item(std::size_t count, int threads, const Body& body) {
  if (threads == 1) {
    for (std::size_t item = 0; item < count; ++item) body(item, std::size_t{0});
    return;
  }
  std::atomic<std::size_t> next{0};  // OpenMP's own dynamic schedule allocates in some runtimes
#pragma omp parallel num_threads(threads)
  for (std::size_t item = next++; item < count; item = next++) {
    body(item, static_cast<std::size_t>(omp_get_thread_num()));
  }
}

}  // namespace attest::optimized
