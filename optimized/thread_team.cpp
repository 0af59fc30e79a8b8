#include "optimized/thread_team.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <memory>
#include <system_error>
#include <thread>

#include "optimized/call_clock.h"
#include "optimized/threads.h"

namespace attest::optimized {
namespace {

/// How long a thread looks for what it waits for before it sleeps: longer than a caller works alone between two loops
/// of a call. Some hundred microseconds.
constexpr std::uint64_t kTicksAwake = 400'000;

void pause() noexcept {
#ifdef __x86_64__
  __builtin_ia32_pause();
#endif
}

/// Returns when `atomic` has another value.
void wait_while(std::uint32_t value, const std::atomic<std::uint32_t>& atomic) noexcept {
  for (const std::uint64_t start = ticks_now(); ticks_now() - start < kTicksAwake; pause()) {
    if (atomic != value) return;
  }
  atomic.wait(value);
}

}  // namespace

int usable_cores() {
#ifdef __linux__
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
#endif
  return static_cast<int>(std::max(std::thread::hardware_concurrency(), 1U));
}

ThreadTeam& ThreadTeam::of_process() {
  static ThreadTeam* const team = [] {
    // A fork copies no threads: what the child has in memory speaks of helpers that it does not have.
    ::pthread_atfork(nullptr, nullptr, [] { std::construct_at(&of_process()); });
    return new ThreadTeam;
  }();
  return *team;
}

void ThreadTeam::run(const Call& call) noexcept {
  const std::unique_lock alone(in_use_, std::try_to_lock);
  if (!alone) return call.function(call.body, 0);
  hire(call.threads - 1);
  call_ = call;
  ++phase_;
  phase_.notify_all();
  call.function(call.body, 0);
  ++phase_;
  wait_until_all_are_out();
}

/// Where the system has no thread to give, the caller does without. Waits until the new ones have come: a thread that
/// is still starting may hold a lock of the allocator, and a child that is forked meanwhile would wait for it for ever.
void ThreadTeam::hire(std::size_t helpers) {
  while (helpers_ < helpers) {
    ++inside_;
    try {
      std::thread(&ThreadTeam::help, this, helpers_ + 1, phase_.load()).detach();
    } catch (const std::system_error&) {
      --inside_;
      break;
    }
    ++helpers_;
  }
  wait_until_all_are_out();
}

void ThreadTeam::leave() noexcept {
  if (--inside_ == 0) inside_.notify_one();
}

void ThreadTeam::wait_until_all_are_out() noexcept {
  while (const std::uint32_t helpers = inside_) wait_while(helpers, inside_);
}

/// A helper says that it is inside before it looks at the phase; the caller ends the phase before it looks who is
/// inside. So either the helper stays out or the caller waits, and call_ never changes under a helper.
void ThreadTeam::help(std::size_t thread, std::uint32_t seen) noexcept {
  leave();  // as which it was hired: inside
  for (;;) {
    wait_while(seen, phase_);
    ++inside_;
    seen = phase_;
    const bool open = seen % 2 == 1;
    if (open && thread < call_.threads) call_.function(call_.body, thread);
    leave();
  }
}

}  // namespace attest::optimized
