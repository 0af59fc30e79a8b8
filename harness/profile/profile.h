#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "harness/profile/baseline_comparison.h"
#include "harness/profile/machine_peaks.h"
#include "harness/profile/peer_process.h"
#include "harness/profile/prepared_work.h"
#include "harness/profile/profiled_layer.h"
#include "harness/profile/stage_breakdown.h"
#include "harness/profile/timing.h"
#include "harness/verdict/judgement.h"

/// Times work items beside the machine's peaks, and judges what was timed.
namespace attest::harness {

struct ProfileRequest {
  ProfiledLayer layer;
  WorkItem item;
  optimized::Target target;
  int threads = 1;
  int repetitions = 0;
  double seconds = 0.0;            ///< no further repetition begins after this; at least three are made
  std::vector<std::string> peers;  ///< of kPeers, in turn with every repetition
};

/// One repetition. Peaks are measured right beside the calls; `stream` evicts what the cold call would find cached.
struct Repetition {
  double cold = 0.0, warm = 0.0;  ///< seconds
  double fma = 0.0;               ///< FLOP/s: the better of a sample before and one after the calls
  double stream = 0.0;            ///< bytes/s
  TimedParts parts;               ///< of a further call
  double untimed = 0.0;           ///< seconds of one like it, whose parts are not timed
  std::vector<PeerTimes> peers;   ///< in the order of the request
};

/// Seconds that the work needs at least: the longer of its FLOPs at the peak and its bytes at the stream's speed.
struct Limit {
  double compute = 0.0;
  double memory = 0.0;

  bool by_memory() const { return memory > compute; }
  double seconds() const { return by_memory() ? memory : compute; }
};
Limit limit_of(const WorkCounts& counts, double fma, double stream);

struct PeerComparison {
  std::string name;
  std::string versions;
  Timing cold, warm;                      ///< seconds
  Timing cold_ratio, warm_ratio;          ///< peer / ours, repetition by repetition
  Interval cold_interval, warm_interval;  ///< of the median ratio
  double difference = 0.0;                ///< rms of (ours - theirs) over rms of theirs, on the sampled rows
};

struct ProfileResult {
  ProfileRequest request;
  WorkCounts counts;
  Timing cold, warm;                                ///< seconds
  Timing fma, stream;                               ///< FLOP/s, bytes/s
  std::vector<double> fma_samples, stream_samples;  ///< of each repetition
  double peak_movement = 0.0;                       ///< harness/profile/peak_movement.h
  int attempts = 1;                                 ///< so often it was timed until the peak kept still
  std::vector<double> cold_samples, warm_samples;   ///< seconds of each repetition
  Limit limit;                                      ///< from the median peaks
  /// limit / time, the median over the repetitions with the peaks of each: of the cold calls where memory limits, else
  /// of the warm ones.
  double fraction = 0.0;
  std::vector<double> fractions;  ///< of each repetition
  StageBreakdown stages;
  std::optional<std::int64_t> memory;  ///< bytes that the first call took beside weights, inputs and output
  std::vector<PeerComparison> peers;
  std::optional<BaselineComparison> baseline;
  WorkVerdict verdict;
  Status status = Status::failed;
};

/// The figures of at least one repetition, the parts of which are those of its `split` calls; nothing of the verdict or
/// the status.
ProfileResult summarise(const ProfileRequest& request, const WorkCounts& counts,
                        const std::vector<Repetition>& repetitions, Caches split);

/// Failed where the timed output is not what the layer computes; invalid where it came faster than the peak allows.
Status status_of(bool verified, double fraction);

/// Sets up, times, then judges. `after_repetition` is told how many are done. Throws Interrupted after Ctrl-C.
ProfileResult profile_work(const ProfileRequest& request, MachinePeaks& peaks,
                           const std::function<void(int)>& after_repetition);

}  // namespace attest::harness
