#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "harness/profile/peak_movement.h"
#include "harness/report/profile_report.h"
#include "harness/report/terminal_table.h"

namespace attest::harness {
namespace {

constexpr std::size_t kTextColumns = 68;  // beside the labels

std::string milliseconds(const Timing& timing) {
  return fmt::format("{:.3f} ms  (min {:.3f}, max {:.3f}, deviation {:.3f}, {} times)", 1e3 * timing.median,
                     1e3 * timing.min, 1e3 * timing.max, 1e3 * timing.deviation, timing.count);
}

std::string range(const Timing& timing, double scale) {
  return fmt::format("{:.1f} ({:.1f}-{:.1f})", scale * timing.median, scale * timing.min, scale * timing.max);
}

/// A line of its own; without a label it goes on with the one before. No line is longer than 80 columns.
std::string line(std::string_view label, std::string_view text) { return fmt::format("  {:<10}{}\n", label, text); }

std::string limit_lines(const ProfileResult& result) {
  const Limit& limit = result.limit;
  return line("limit", fmt::format("{:.3f} ms by {}: {:.4g} GFLOP at {} GFLOP/s", 1e3 * limit.seconds(),
                                   limit.by_memory() ? "memory" : "arithmetic",
                                   1e-9 * static_cast<double>(result.counts.flops()), range(result.fma, 1e-9))) +
         line("", fmt::format("and {:.4g} MB at {} GB/s", 1e-6 * static_cast<double>(result.counts.bytes),
                              range(result.stream, 1e-9)));
}

std::string fraction_line(const ProfileResult& result) {
  if (result.status == Status::invalid) {
    return line("reached", fmt::format("INVALID: {:.1f} % of the limit; above the peak measured in this run",
                                       100 * result.fraction));
  }
  return line("reached", fmt::format("{:.1f} % of the limit ({} calls)", 100 * result.fraction,
                                     result.limit.by_memory() ? "cold" : "warm"));
}

/// Nothing where the peak kept still at once.
std::string movement_line(const ProfileResult& result) {
  const std::string attempts = fmt::format("timed {} times", result.attempts);
  if (!(result.peak_movement <= kMostPeakMovement)) {
    return line("", fmt::format("UNSTABLE: the peak moved by {:.0f} %, {}", 100 * result.peak_movement, attempts));
  }
  return result.attempts == 1 ? "" : line("", attempts + ", until the peak kept still");
}

std::string stage_line(const PartSeconds& part, double call) {
  auto text = fmt::format("  {:<12}{:>10.3f} ms {:>5.1f} %", title_of(part.part), 1e3 * part.seconds,
                          100 * part.seconds / call);
  if (part.counts) {
    text +=
        fmt::format("  {:>6.1f} GFLOP/s, {:>5.1f} % of its roof", 1e-9 * part.rate(), 100 * part.rate() / part.roof);
  }
  return "  " + text + "\n";
}

std::string stage_lines(const StageBreakdown& stages) {
  std::string lines =
      line("stages", fmt::format("of a further call, {}, {:.3f} ms; timing them costs {:+.1f} %",
                                 name_of(stages.caches), 1e3 * stages.call, 100 * stages.timer_overhead));
  if (!(stages.timer_overhead <= kMostTimerOverhead)) lines += line("", "too short a call to be split");
  for (const auto& part : stages.parts) lines += stage_line(part, stages.call);
  return lines + fmt::format("    {:<12}{:>10.3f} ms {:>5.1f} %\n", "sum", 1e3 * stages.sum(),
                             100 * stages.sum() / stages.call);
}

std::string event_lines(const StageBreakdown& stages) {
  std::string lines, text;
  for (const auto& [event, count] : stages.events) {
    const auto more = fmt::format("{} {}", count, in_words(event));
    if (text.size() + more.size() > kTextColumns) {
      lines += line(lines.empty() ? "events" : "", text);
      text.clear();
    }
    text += (text.empty() ? "" : ", ") + more;
  }
  return text.empty() ? lines : lines + line(lines.empty() ? "events" : "", text);
}

std::string memory_line(const ProfileResult& result) {
  if (!result.memory) return "";
  return line("memory", fmt::format("{:.1f} MiB beside weights, inputs and output",
                                    static_cast<double>(*result.memory) / (1 << 20)));
}

std::string ratio(const Timing& each, const Interval& interval) {
  return fmt::format("{:.2f} ({:.2f}-{:.2f})", each.median, interval.low, interval.high);
}

std::string peer_lines(const ProfileResult& result) {
  std::string lines;
  for (const auto& peer : result.peers) {
    lines +=
        fmt::format("  {}\n", peer.versions) + line("  cold", milliseconds(peer.cold)) +
        line("  warm", milliseconds(peer.warm)) +
        line("  ratio",
             fmt::format("cold {}, warm {} of ours ({:.0f} % intervals)", ratio(peer.cold_ratio, peer.cold_interval),
                         ratio(peer.warm_ratio, peer.warm_interval), 100 * peer.warm_interval.confidence)) +
        line("", fmt::format("outputs differ by {:.2g} of their size (rms, sampled rows)", peer.difference));
  }
  return lines;
}

std::string baseline_line(const ProfileResult& result) {
  if (!result.baseline) return "";
  const BaselineComparison& b = *result.baseline;
  const bool seconds = b.scale == BaselineScale::seconds;
  return line("baseline", fmt::format("{}: {:.3f} {}, then {:.3f}; {:.3f} times as fast, p {:.2g}", verdict_of(b),
                                      (seconds ? 1e3 : 1e2) * b.now, seconds ? "ms" : "% of the limit",
                                      (seconds ? 1e3 : 1e2) * b.before, b.speed_up, b.p));
}

std::string verdict_lines(const WorkVerdict& verdict) {
  std::string failures, worst;
  for (const auto& stage : verdict.stages) {
    if (worst.empty() && stage.e == verdict.worst_e()) worst = stage.stage;
    if (!stage.passed) failures += line("FAILED", stage.stage + ": " + stage.message);
  }
  return line("verified",
              fmt::format("{} stages; largest e {:.3f}, of {}", verdict.stages.size(), verdict.worst_e(), worst)) +
         failures;
}

std::string name_of_work(const ProfileResult& result) {
  const WorkItem& item = result.request.item;
  return fmt::format("{} {}{} {}", result.request.layer.name, to_text(item),
                     item.batch > 1 ? fmt::format(" x batch {}", item.batch) : "", name_of(result.request.target));
}

}  // namespace

std::string profile_text(const ProfileResult& result, const TerminalStyle& style) {
  return fmt::format("{} {}, threads {}\n", painted_status(result.status, style), name_of_work(result),
                     result.request.threads) +
         line("cold", milliseconds(result.cold)) + line("warm", milliseconds(result.warm)) + limit_lines(result) +
         fraction_line(result) + movement_line(result) + stage_lines(result.stages) + event_lines(result.stages) +
         memory_line(result) + peer_lines(result) + baseline_line(result) + verdict_lines(result.verdict);
}

std::string scaling_text(const std::vector<ProfileResult>& results) {
  std::map<std::string, std::map<int, double>> times;
  for (const auto& result : results) {
    const bool is_figure = result.status != Status::invalid;
    if (is_figure) times[name_of_work(result)][result.request.threads] = result.warm.median;
  }
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
  const auto count = [&](Status status) { return std::ranges::count(results, status, &ProfileResult::status); };
  const bool is_wrong = count(Status::failed) > 0;
  double worst_e = 0.0, lowest = 1.0, highest = 0.0;
  for (const auto& result : results) {
    worst_e = std::max(worst_e, result.verdict.worst_e());
    if (result.status == Status::invalid) continue;
    lowest = std::min(lowest, result.fraction);
    highest = std::max(highest, result.fraction);
  }
  std::string line = painted_status(is_wrong ? Status::failed : Status::passed, style);
  line += fmt::format(": {} of {} work items timed, {} passed, {} failed, {} invalid; largest e {:.3f}", results.size(),
                      requested, count(Status::passed), count(Status::failed), count(Status::invalid), worst_e);
  const auto unstable = std::ranges::count_if(
      results, [](const ProfileResult& result) { return !(result.peak_movement <= kMostPeakMovement); });
  if (unstable > 0) line += fmt::format("; {} unstable", unstable);
  if (highest > 0.0) line += fmt::format("; {:.1f} % to {:.1f} % of the limit", 100 * lowest, 100 * highest);
  return line + "\n";
}

}  // namespace attest::harness
