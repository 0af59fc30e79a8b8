#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace attest::harness {

/// How often something happened, over all threads of the process.
struct EventCount {
  std::string event;  ///< "cycles", "instructions", "cache_misses", "page_faults", "context_switches"
  std::uint64_t count = 0;
};

std::string in_words(std::string event);  ///< "cache misses"

/// The kernel's event counters (perf_event_open), of the threads that this process has when it is made. Many virtual
/// machines have no hardware counters; what cannot be counted is left out.
class EventCounters {
 public:
  EventCounters();
  ~EventCounters();
  EventCounters(const EventCounters&) = delete;
  EventCounters& operator=(const EventCounters&) = delete;

  /// Counts begin at zero.
  void start();
  std::vector<EventCount> stop();

  /// Why the processor's own events are not counted, in words, or empty.
  const std::string& no_hardware() const { return no_hardware_; }

 private:
  struct Counter {
    const char* event;
    std::vector<int> descriptors;  ///< of each thread
  };
  std::vector<Counter> counters_;
  std::string no_hardware_;
};

}  // namespace attest::harness
