#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace attest::optimized {

/// Threads that help whoever calls. The end of an OpenMP loop waits for every thread, also for one that a busy machine
/// has not let begin: a call of a tenth of a millisecond then takes ten. Here the caller waits for those alone that did
/// begin, and does the work of the others itself.
class ThreadTeam {
 public:
  /// The team of this process; a forked child has its own. It is never destroyed: its threads sleep until the process
  /// ends.
  static ThreadTeam& of_process();

  /// Calls job(0) here, and job(t) once on each thread t < threads that comes before job(0) has returned; returns when
  /// all have. So job hands out its work to whoever asks. While the team helps another caller, nobody comes.
  template <class Job>
  void run(std::size_t threads, const Job& job) noexcept {
    run(Call{[](const void* body, std::size_t thread) { (*static_cast<const Job*>(body))(thread); }, &job, threads});
  }

 private:
  struct Call {
    void (*function)(const void* body, std::size_t thread) = nullptr;
    const void* body = nullptr;
    std::size_t threads = 0;
  };

  void run(const Call& call) noexcept;
  void hire(std::size_t helpers);
  void help(std::size_t thread, std::uint32_t seen) noexcept;
  void leave() noexcept;
  void wait_until_all_are_out() noexcept;

  std::mutex in_use_;
  std::size_t helpers_ = 0;
  Call call_;
  alignas(64) std::atomic<std::uint32_t> phase_ = 0;   ///< odd: call_ may be joined; it counts on with each change
  alignas(64) std::atomic<std::uint32_t> inside_ = 0;  ///< helpers that start, or may be reading or working on call_
};

}  // namespace attest::optimized
