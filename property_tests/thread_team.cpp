#include "optimized/thread_team.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "optimized/threads.h"

namespace attest::optimized {
namespace {

/// How often for_each_item calls its body with each item.
std::vector<int> times_done(std::size_t count, int threads) {
  std::vector<std::atomic<int>> done(count);
  for_each_item(count, threads, [&](std::size_t item) { ++done[item]; });
  return {done.begin(), done.end()};
}

TEST(thread_team, does_every_item_once) {
  for (int repetition = 0; repetition < 200; ++repetition) {
    for (const int threads : {1, 2, 3, 7}) {
      for (const std::size_t count : {0, 1, 2, 100}) {
        ASSERT_EQ(times_done(count, threads), std::vector<int>(count, 1)) << threads << " threads";
      }
    }
  }
}

TEST(thread_team, calls_a_job_on_each_thread_once_at_most) {
  for (int repetition = 0; repetition < 20000; ++repetition) {
    std::array<std::atomic<int>, 4> calls{};
    ThreadTeam::of_process().run(calls.size(), [&](std::size_t thread) { ++calls[thread]; });
    ASSERT_EQ(calls.front(), 1);
    for (const auto& of_thread : calls) ASSERT_LE(of_thread, 1) << "in repetition " << repetition;
  }
}

TEST(thread_team, comes_in_full_where_nobody_leaves_before) {
  constexpr std::size_t kThreads = 4;
  std::latch all_here(kThreads);
  std::vector<std::thread::id> ids(kThreads);
  ThreadTeam::of_process().run(kThreads, [&](std::size_t thread) {
    ids[thread] = std::this_thread::get_id();
    all_here.arrive_and_wait();
  });
  EXPECT_EQ(ids.front(), std::this_thread::get_id());
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), kThreads);
}

TEST(thread_team, helps_one_caller_at_a_time_and_holds_up_no_other) {
  std::vector<std::size_t> threads_of_the_other;
  ThreadTeam::of_process().run(2, [&](std::size_t thread) {
    if (thread != 0) return;
    std::jthread(
        [&] { ThreadTeam::of_process().run(2, [&](std::size_t helper) { threads_of_the_other.push_back(helper); }); });
  });
  EXPECT_EQ(threads_of_the_other, std::vector<std::size_t>{0});
}

// --- threads that do not come ----------------------------------------------------------------------------------------

std::atomic<int> held = 0;
std::atomic<bool> let_go = false;

void hold(int) {
  ++held;
  while (!let_go) ::usleep(100);
  --held;
}

std::vector<pid_t> other_threads() {
  std::vector<pid_t> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    const pid_t thread = std::stoi(entry.path().filename().string());
    if (thread != ::getpid()) threads.push_back(thread);
  }
  return threads;
}

bool comes_true(const std::function<bool()>& condition) {
  for (int millisecond = 0; millisecond < 2000 && !condition(); ++millisecond) ::usleep(1000);
  return condition();
}

/// Each helper is held up by a signal while nobody calls, as a busy machine holds it up.
TEST(thread_team, waits_for_no_thread_that_has_not_begun) {
  const std::vector<int> once(100, 1);
  ASSERT_EQ(times_done(100, 3), once);
  ::usleep(10'000);  // until they sleep
  ASSERT_NE(std::signal(SIGUSR1, hold), SIG_ERR);
  const auto helpers = other_threads();
  for (const pid_t helper : helpers) ::syscall(SYS_tgkill, ::getpid(), helper, SIGUSR1);
  const bool all_held = comes_true([&] { return held == static_cast<int>(helpers.size()); });
  if (all_held) {
    EXPECT_EQ(times_done(100, 3), once);
  }
  let_go = true;
  EXPECT_TRUE(comes_true([] { return held == 0; }));
  if (!all_held) GTEST_SKIP() << "not every thread takes a signal: ThreadSanitizer holds them back";
  EXPECT_EQ(times_done(100, 3), once);
}

TEST(thread_team, of_a_forked_child_is_its_own) {
  const std::vector<int> once(100, 1);
  ASSERT_EQ(times_done(100, 3), once);
  const pid_t child = ::fork();
  ASSERT_NE(child, -1);
  if (child == 0) {
    ::alarm(20);
    std::latch all_here(3);
    ThreadTeam::of_process().run(3, [&](std::size_t) { all_here.arrive_and_wait(); });
    ::_exit(times_done(100, 3) == once ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "wait status " << status;
}

/// A thread that starts may hold a lock of the allocator; in a child that is forked then, nobody lets it go.
TEST(thread_team, has_no_thread_that_still_starts_once_a_call_returned) {
  static std::vector<ThreadTeam*> never_destroyed;
  for (int repetition = 0; repetition < 50; ++repetition) {
    never_destroyed.push_back(new ThreadTeam);
    never_destroyed.back()->run(4, [](std::size_t) {});
    const pid_t child = ::fork();
    ASSERT_NE(child, -1);
    if (child == 0) {
      ::alarm(10);
      for (std::size_t size = 1; size < 100'000; size += 1 + size / 4)
        std::vector<char>(size).swap(*new std::vector<char>);
      ::_exit(0);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFEXITED(status)) << "the child waited for ever, in repetition " << repetition;
  }
}

}  // namespace
}  // namespace attest::optimized
