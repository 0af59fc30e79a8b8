#include "harness/profile/event_counters.h"

#include <linux/perf_event.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace attest::harness {
namespace {

struct Event {
  const char* name;
  std::uint32_t type;
  std::uint64_t config;
};

constexpr Event kEvents[] = {{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES},
                             {"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS},
                             {"cache_misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES},
                             {"page_faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS},
                             {"context_switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES}};

/// A stopped counter of one thread, or -1.
int open_counter(const Event& event, pid_t thread) {
  perf_event_attr attributes = {};
  attributes.size = sizeof attributes;
  attributes.type = event.type;
  attributes.config = event.config;
  attributes.disabled = 1;
  attributes.exclude_hv = 1;
  attributes.exclude_kernel = event.type == PERF_TYPE_HARDWARE;  // what an ordinary user may count
  return static_cast<int>(::syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

std::vector<pid_t> threads_of_this_process() {
  std::vector<pid_t> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    threads.push_back(std::stoi(entry.path().filename().string()));
  }
  return threads;
}

}  // namespace

std::string in_words(std::string event) {
  std::ranges::replace(event, '_', ' ');
  return event;
}

EventCounters::EventCounters() {
  const auto threads = threads_of_this_process();
  for (const Event& event : kEvents) {
    Counter& counter = counters_.emplace_back(Counter{event.name, {}});
    for (const pid_t thread : threads) {
      const int descriptor = open_counter(event, thread);
      if (descriptor >= 0) counter.descriptors.push_back(descriptor);
      if (descriptor < 0 && event.type == PERF_TYPE_HARDWARE) no_hardware_ = std::strerror(errno);
    }
  }
}

EventCounters::~EventCounters() {
  for (const auto& counter : counters_) {
    for (const int descriptor : counter.descriptors) ::close(descriptor);
  }
}

void EventCounters::start() {
  for (const auto& counter : counters_) {
    for (const int descriptor : counter.descriptors) {
      ::ioctl(descriptor, PERF_EVENT_IOC_RESET, 0);
      ::ioctl(descriptor, PERF_EVENT_IOC_ENABLE, 0);
    }
  }
}

std::vector<EventCount> EventCounters::stop() {
  for (const auto& counter : counters_) {
    for (const int descriptor : counter.descriptors) ::ioctl(descriptor, PERF_EVENT_IOC_DISABLE, 0);
  }
  std::vector<EventCount> counts;
  for (const auto& counter : counters_) {
    if (counter.descriptors.empty()) continue;
    counts.push_back({counter.event, 0});
    for (const int descriptor : counter.descriptors) {
      std::uint64_t count = 0;
      if (::read(descriptor, &count, sizeof count) == sizeof count) counts.back().count += count;
    }
  }
  return counts;
}

}  // namespace attest::harness
