#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/profile/profile_report.h"

namespace attest::harness {
namespace {

std::string milliseconds(const Timing& timing) {
  return fmt::format("{:.3f} ms  (min {:.3f}, max {:.3f}, deviation {:.3f}, {} times)", 1e3 * timing.median,
                     1e3 * timing.min, 1e3 * timing.max, 1e3 * timing.deviation, timing.count);
}

std::string range(const Timing& timing, double scale) {
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", scale * timing.median, scale * timing.min, scale * timing.max);
}

std::string limit_line(const ProfileResult& result) {
  const Limit& limit = result.limit;
  return fmt::format("  limit     {:.3f} ms by {}: {:.4g} GFLOP at {} GFLOP/s, {:.4g} MB at {} GB/s\n",
                     1e3 * limit.seconds(), limit.by_memory() ? "memory" : "arithmetic",
                     1e-9 * static_cast<double>(result.counts.flops()), range(result.fma, 1e-9),
                     1e-6 * static_cast<double>(result.counts.bytes), range(result.stream, 1e-9));
}

std::string fraction_line(const ProfileResult& result) {
  const char* calls = result.limit.by_memory() ? "cold" : "warm";
  if (result.status == ProfileStatus::invalid) {
    return fmt::format("  reached   INVALID: {:.1f} % of the limit; above the peak measured in this run\n",
                       100 * result.fraction);
  }
  return fmt::format("  reached   {:.1f} % of the limit ({} calls)\n", 100 * result.fraction, calls);
}

std::string stage_line(const PartSeconds& part, double call) {
  auto line = fmt::format("    {:<13}{:>10.3f} ms {:>5.1f} %", title_of(part.part), 1e3 * part.seconds,
                          100 * part.seconds / call);
  if (part.counts) {
    line += fmt::format("  {:>7.1f} GFLOP/s, {:>5.1f} % of its roof ({:.3g} FLOP/byte)", 1e-9 * part.rate(),
                        100 * part.rate() / part.roof,
                        static_cast<double>(part.counts->flops) / static_cast<double>(part.counts->bytes));
  }
  return line + "\n";
}

std::string stage_lines(const StageBreakdown& stages) {
  std::string lines = fmt::format("  stages    of a further call, {}, {:.3f} ms; timing them costs {:+.1f} %{}\n",
                                  name_of(stages.caches), 1e3 * stages.call, 100 * stages.timer_overhead,
                                  stages.timer_overhead <= kMostTimerOverhead ? "" : ": too short a call to be split");
  for (const auto& part : stages.parts) lines += stage_line(part, stages.call);
  return lines + fmt::format("    {:<13}{:>10.3f} ms {:>5.1f} %\n", "sum", 1e3 * stages.sum(),
                             100 * stages.sum() / stages.call);
}

std::string event_line(const StageBreakdown& stages) {
  if (stages.events.empty()) return "";
  std::string events;
  for (const auto& [event, count] : stages.events) {
    events += fmt::format("{}{} {}", events.empty() ? "" : ", ", count, in_words(event));
  }
  return "  events    " + events + "\n";
}

std::string memory_line(const ProfileResult& result) {
  if (!result.memory) return "";
  return fmt::format("  memory    {:.1f} MiB beside weights, inputs and output\n",
                     static_cast<double>(*result.memory) / (1 << 20));
}

std::string ratio(double of_medians, const Interval& interval) {
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", of_medians, interval.low, interval.high);
}

std::string peer_lines(const ProfileResult& result) {
  std::string lines;
  for (const auto& peer : result.peers) {
    lines += fmt::format("  {}\n            cold {}\n            warm {}\n", peer.name, milliseconds(peer.cold),
                         milliseconds(peer.warm)) +
             fmt::format("            / attest: cold {}, warm {}  ({:.0f} % interval of the median)\n",
                         ratio(peer.median_ratio_cold, peer.cold_interval),
                         ratio(peer.median_ratio_warm, peer.warm_interval), 100 * peer.warm_interval.confidence) +
             fmt::format("            {}; the two outputs differ by {:.2g} of their size (rms, sampled rows)\n",
                         peer.versions, peer.difference);
  }
  return lines;
}

std::string baseline_line(const ProfileResult& result) {
  if (!result.baseline) return "";
  const BaselineComparison& b = *result.baseline;
  const bool seconds = b.scale == BaselineScale::seconds;
  return fmt::format("  baseline  {}: {:.3f} {}, then {:.3f}; {:.3f} times as fast, p {:.2g}\n", verdict_of(b),
                     (seconds ? 1e3 : 1e2) * b.now, seconds ? "ms" : "% of the limit", (seconds ? 1e3 : 1e2) * b.before,
                     b.speed_up, b.p);
}

std::string verdict_lines(const WorkVerdict& verdict) {
  std::string stages, failures;
  for (const auto& stage : verdict.stages) {
    stages += fmt::format("{}{} {:.3f}", stages.empty() ? "" : ", ", stage.stage, stage.e);
    if (!stage.passed) failures += fmt::format("  FAILED    {}: {}\n", stage.stage, stage.message);
  }
  return fmt::format("  verified  e {:.3f}: {}\n", verdict.worst_e(), stages) + failures;
}

std::string name_of_work(const ProfileResult& result) {
  const WorkItem& item = result.request.item;
  return fmt::format("{} {}{} {}", result.request.layer.name, to_text(item),
                     item.batch > 1 ? fmt::format(" x batch {}", item.batch) : "", name_of(result.request.target));
}

std::string painted_status(ProfileStatus status, const TerminalStyle& style) {
  const Paint paint = status == ProfileStatus::passed   ? Paint::green
                      : status == ProfileStatus::failed ? Paint::red
                                                        : Paint::yellow;
  return style.paint(std::string(name_of(status)), paint);
}

}  // namespace

std::string profile_text(const ProfileResult& result, const TerminalStyle& style) {
  return fmt::format("{} {}, threads {}\n  cold      {}\n  warm      {}\n", painted_status(result.status, style),
                     name_of_work(result), result.request.threads, milliseconds(result.cold),
                     milliseconds(result.warm)) +
         limit_line(result) + fraction_line(result) + stage_lines(result.stages) + event_line(result.stages) +
         memory_line(result) + peer_lines(result) + baseline_line(result) + verdict_lines(result.verdict);
}

std::string scaling_text(const std::vector<ProfileResult>& results) {
  std::map<std::string, std::map<int, double>> times;
  for (const auto& result : results) times[name_of_work(result)][result.request.threads] = result.warm.median;
  std::string text;
  for (const auto& [work, by_threads] : times) {
    if (by_threads.size() < 2) continue;
    text += fmt::format("  {}\n", work);
    const auto& [fewest, longest] = *by_threads.begin();
    for (const auto& [count, seconds] : by_threads) {
      const double speed_up = longest / seconds;
      text += fmt::format("    threads {:>3} {:>10.3f} ms  {:>6.2f} times as fast  {:>5.1f} % of linear\n", count,
                          1e3 * seconds, speed_up, 100 * speed_up * fewest / count);
    }
  }
  return text.empty() ? "" : "\nscaling, warm medians\n" + text;
}

std::string profile_verdict(const std::vector<ProfileResult>& results, std::size_t requested,
                            const TerminalStyle& style) {
  const auto count = [&](ProfileStatus status) { return std::ranges::count(results, status, &ProfileResult::status); };
  const bool is_wrong = count(ProfileStatus::failed) > 0;
  double worst_e = 0.0, lowest = 1.0, highest = 0.0;
  for (const auto& result : results) {
    worst_e = std::max(worst_e, result.verdict.worst_e());
    if (result.status == ProfileStatus::invalid) continue;
    lowest = std::min(lowest, result.fraction);
    highest = std::max(highest, result.fraction);
  }
  std::string line = painted_status(is_wrong ? ProfileStatus::failed : ProfileStatus::passed, style);
  line += fmt::format(": {} of {} work items timed, {} passed, {} failed, {} invalid; largest e {:.3f}", results.size(),
                      requested, count(ProfileStatus::passed), count(ProfileStatus::failed),
                      count(ProfileStatus::invalid), worst_e);
  if (highest > 0.0) line += fmt::format("; {:.1f} % to {:.1f} % of the limit", 100 * lowest, 100 * highest);
  return line + "\n";
}

}  // namespace attest::harness
