#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "harness/profile/event_counters.h"
#include "harness/profile/work_item.h"
#include "optimized/call_clock.h"

/// Where the time of a call goes.
namespace attest::harness {

/// What a call finds in the processor's caches: nothing of its own, or what the same call left there.
enum class Caches { cold, warm };
std::string_view name_of(Caches caches);

/// A call whose parts were timed: an additional one, so that the timed calls read no clock.
struct TimedParts {
  optimized::PartTimes parts;
  double call = 0.0;  ///< seconds, measured around the call
  std::vector<EventCount> events;
};

std::string_view title_of(optimized::Part part);  ///< as people read it: "Q K^T"

/// What a part has to compute and to move at least, where that is counted.
std::optional<StageCounts> counts_of(optimized::Part part, const WorkCounts& counts);

struct PartSeconds {
  optimized::Part part;
  double seconds = 0.0;
  std::optional<StageCounts> counts;
  /// FLOP/s that it can reach: the peak, or what the stream can bring for its FLOPs a byte (Williams, Waterman and
  /// Patterson 2009).
  double roof = 0.0;

  double rate() const { return static_cast<double>(counts->flops) / seconds; }
};

struct StageBreakdown {
  Caches caches = Caches::warm;
  std::vector<PartSeconds> parts;  ///< those that took any time
  double call = 0.0;               ///< the whole, measured around the call
  double timer_overhead = 0.0;     ///< the share by which a call takes longer when its parts are timed, a median
  std::vector<EventCount> events;

  double sum() const;
};

/// More than this, and the call is too short to be split.
inline constexpr double kMostTimerOverhead = 0.02;

struct Peaks {
  double fma = 0.0;     ///< FLOP/s
  double stream = 0.0;  ///< bytes/s
};

/// Of the call with the median time (of an even number, the shorter of the two).
StageBreakdown breakdown_of(std::vector<TimedParts> calls, const WorkCounts& counts, const Peaks& peaks);

}  // namespace attest::harness
