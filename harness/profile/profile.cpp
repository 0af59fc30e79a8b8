#include "harness/profile/profile.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <thread>

#include "harness/machine/interrupt.h"
#include "harness/machine/process_resources.h"
#include "harness/machine/resident_memory.h"

namespace attest::harness {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kLeast = 3;                                           // repetitions
constexpr auto kUntilThreadsSleep = std::chrono::milliseconds(20);  // for a while after a call they look for more work

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

double timed(PreparedWork& work, optimized::PartTimes* times = nullptr) {
  work.restore();
  const auto start = Clock::now();
  if (times != nullptr) times->called_at = optimized::ticks_now();
  work.run(times);
  return seconds_since(start);
}

TimedParts timed_parts(PreparedWork& work, EventCounters& events) {
  TimedParts call;
  events.start();
  call.call = timed(work, &call.parts);
  call.events = events.stop();
  return call;
}

using Peers = std::vector<std::unique_ptr<PeerProcess>>;

/// `split` says for which kind of call the parts are timed.
Repetition repetition(PreparedWork& work, MachinePeaks& peaks, EventCounters& events, Caches split,
                      const Peers& peers) {
  Repetition once;
  once.fma = peaks.measure_fma();
  once.stream = peaks.measure_stream();
  once.cold = timed(work);
  once.warm = timed(work);
  const auto prepare_caches = [&] {
    if (split == Caches::cold) peaks.measure_stream();
  };
  prepare_caches();
  once.parts = timed_parts(work, events);
  prepare_caches();
  once.untimed = timed(work);
  once.fma = std::max(once.fma, peaks.measure_fma());
  for (const auto& peer : peers) {
    peaks.measure_stream();
    std::this_thread::sleep_for(kUntilThreadsSleep);
    once.peers.push_back(peer->repeat());
  }
  return once;
}

template <class Value>
std::vector<double> values_of(const std::vector<Repetition>& repetitions, Value value) {
  std::vector<double> values;
  for (const auto& once : repetitions) values.push_back(value(once));
  return values;
}

template <class Value>
Timing timing(const std::vector<Repetition>& repetitions, Value value) {
  return timing_of(values_of(repetitions, value));
}

StageBreakdown breakdown(const std::vector<Repetition>& repetitions, const ProfileResult& result, Caches caches) {
  std::vector<TimedParts> calls;
  for (const auto& once : repetitions) calls.push_back(once.parts);
  auto breakdown = breakdown_of(std::move(calls), result.counts, {result.fma.median, result.stream.median});
  breakdown.caches = caches;
  breakdown.timer_overhead =
      timing(repetitions, [](const Repetition& r) { return r.parts.call / r.untimed - 1.0; }).median;
  return breakdown;
}

/// With the peer of that index.
PeerComparison comparison(const std::vector<Repetition>& repetitions, const ProfileResult& ours, std::size_t index) {
  const auto cold_ratios = values_of(repetitions, [&](const Repetition& r) { return r.peers[index].cold / r.cold; });
  const auto warm_ratios = values_of(repetitions, [&](const Repetition& r) { return r.peers[index].warm / r.warm; });
  PeerComparison peer;
  peer.name = ours.request.peers[index];
  peer.cold = timing(repetitions, [&](const Repetition& r) { return r.peers[index].cold; });
  peer.warm = timing(repetitions, [&](const Repetition& r) { return r.peers[index].warm; });
  peer.cold_ratio = timing_of(cold_ratios);
  peer.warm_ratio = timing_of(warm_ratios);
  peer.cold_interval = median_interval(cold_ratios);
  peer.warm_interval = median_interval(warm_ratios);
  return peer;
}

/// rms(a - b) / rms(b), or NaN if they cannot be compared.
double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return std::nan("");
  double difference = 0.0, size = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
    size += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / size);
}

}  // namespace

Limit limit_of(const WorkCounts& counts, double fma, double stream) {
  return {static_cast<double>(counts.flops()) / fma, static_cast<double>(counts.bytes) / stream};
}

Status status_of(bool verified, double fraction) {
  if (!verified) return Status::failed;
  return fraction <= 1.0 ? Status::passed : Status::invalid;
}

ProfileResult summarise(const ProfileRequest& request, const WorkCounts& counts,
                        const std::vector<Repetition>& repetitions, Caches split) {
  ProfileResult result;
  result.request = request;
  result.counts = counts;
  result.cold_samples = values_of(repetitions, [](const Repetition& r) { return r.cold; });
  result.warm_samples = values_of(repetitions, [](const Repetition& r) { return r.warm; });
  result.cold = timing_of(result.cold_samples);
  result.warm = timing_of(result.warm_samples);
  result.fma_samples = values_of(repetitions, [](const Repetition& r) { return r.fma; });
  result.stream_samples = values_of(repetitions, [](const Repetition& r) { return r.stream; });
  result.fma = timing_of(result.fma_samples);
  result.stream = timing_of(result.stream_samples);
  result.limit = limit_of(counts, result.fma.median, result.stream.median);
  const bool by_memory = result.limit.by_memory();
  result.fractions = values_of(repetitions, [&](const Repetition& r) {
    return limit_of(counts, r.fma, r.stream).seconds() / (by_memory ? r.cold : r.warm);
  });
  result.fraction = timing_of(result.fractions).median;
  result.stages = breakdown(repetitions, result, split);
  for (std::size_t i = 0; i < request.peers.size(); ++i) result.peers.push_back(comparison(repetitions, result, i));
  return result;
}

ProfileResult profile_work(const ProfileRequest& request, MachinePeaks& peaks,
                           const std::function<void(int)>& after_repetition) {
  set_threads(request.threads);
  const WorkCounts counts = count_work(request.layer.config, request.item);
  const auto work =
      prepare_work(request.layer, request.item, request.target, {.threads = request.threads, .blocking = {}});
  Peers peers;
  for (const auto& name : request.peers) {
    peers.push_back(std::make_unique<PeerProcess>(name, request.layer, request.item, request.threads));
  }

  const auto memory = memory_growth([&] { timed(*work); });
  EventCounters events;  // made now that the call has started its threads
  for (const auto& peer : peers) peer->repeat();
  const bool by_memory = limit_of(counts, peaks.measure_fma(), peaks.measure_stream()).by_memory();
  const Caches split = by_memory ? Caches::cold : Caches::warm;
  std::vector<Repetition> repetitions;
  const auto start = Clock::now();
  for (bool enough = false; !enough;) {
    repetitions.push_back(repetition(*work, peaks, events, split, peers));
    const int done = static_cast<int>(repetitions.size());
    after_repetition(done);
    stop_if_interrupted();
    enough = done >= request.repetitions || (done >= kLeast && seconds_since(start) > request.seconds);
  }

  ProfileResult result = summarise(request, counts, repetitions, split);
  result.memory = memory;
  result.verdict = work->verify();
  result.status = status_of(result.verdict.passed(), result.fraction);
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const auto rows = peers[i]->output_rows(sampled_tokens(new_tokens(request.item)));
    result.peers[i].versions = peers[i]->versions();
    result.peers[i].difference = relative_difference(work->sampled_output(), rows);
  }
  return result;
}

}  // namespace attest::harness
