#include "harness/report/terminal_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

constexpr std::size_t kCellWidth = 11;

/// A library's is its file's name, without folder and ".so".
std::string column_title(const Judged& judged) {
  if (judged.party == Party::optimized) return judged.target();
  const std::string name = judged.implementation();
  const std::size_t mark = std::min(name.rfind('#'), name.size());
  return std::filesystem::path(name.substr(0, mark)).stem().string() + name.substr(mark);
}

std::string column_title(const std::vector<Judged>& group) {
  return group.size() == 1 ? column_title(group.front()) : "worst of all";
}

std::size_t column_width(const std::vector<Judged>& group) { return std::max(kCellWidth, column_title(group).size()); }

bool is_of(const std::vector<Judged>& group, const Result& result) {
  return std::ranges::find(group, result.judged) != group.end();
}

/// The largest e of one mode, or an empty string where no element was compared.
std::string worst_e(const CaseOutcome& outcome, const std::vector<Judged>& group, Mode mode) {
  double worst = -1.0;
  for (const auto& result : outcome.results) {
    if (is_of(group, result) && result.mode == mode && result.comparison.judged > 0)
      worst = std::max(worst, result.comparison.e);
  }
  return worst < 0.0 ? "" : short_e(worst);
}

/// The verdict on these implementations alone: the first bad status, else passed if anything did, else skipped.
Status status_of(const CaseOutcome& outcome, const std::vector<Judged>& group) {
  Status status = Status::skipped;
  for (const auto& result : outcome.results) {
    if (!is_of(group, result)) continue;
    if (!is_tolerable(result.status)) return result.status;
    if (result.status == Status::passed) status = Status::passed;
  }
  return status;
}

Paint paint_of(Status status) {
  switch (status) {
    case Status::passed:
      return Paint::green;
    case Status::skipped:
      return Paint::dim;
    case Status::failed:
    case Status::unstable:
      return Paint::red;
    case Status::mistrusted:
    case Status::vacuous:
    case Status::untested:
    case Status::invalid:
      return Paint::yellow;
  }
  return Paint::none;
}

/// " by 1 of 4" where some of those under test skipped a case that others passed.
std::string partly_judged(const CaseOutcome& outcome, const std::vector<Judged>& all) {
  if (outcome.status != Status::passed) return "";
  const auto skipped = std::ranges::count_if(
      all, [&](const Judged& one) { return one.is_implementation() && status_of(outcome, {one}) == Status::skipped; });
  if (skipped == 0) return "";
  const auto under_test = std::ranges::count_if(all, &Judged::is_implementation);
  return fmt::format(" by {} of {}", under_test - skipped, under_test);
}

/// "1 case", "2 cases"
std::string counted(std::size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

}  // namespace

std::size_t name_width(const std::vector<std::filesystem::path>& case_files) {
  std::size_t width = 24;
  for (const auto& file : case_files) {
    const auto group = file.parent_path().filename();
    width = std::max(width, group.string().size() + 1 + file.stem().string().size());
  }
  return width;
}

std::string short_e(double e) {
  if (e == 0.0) return "0";
  if (!std::isfinite(e)) return "inf";
  if (e < 0.01 || e >= 1000.0) return fmt::format("{:.0e}", e);
  return e < 10.0 ? fmt::format("{:.2f}", e) : fmt::format("{:.0f}", e);
}

std::string sensitivity_text(const Sensitivity& sensitivity) {
  std::string text = "dropped key " + short_e(sensitivity.dropped_key);
  text += fmt::format(" ({:.0f} % of the keys)", 100.0 * sensitivity.keys_noticed);
  if (sensitivity.swapped_heads) text += ", swapped heads " + short_e(*sensitivity.swapped_heads);
  return text + ", scale " + short_e(sensitivity.scale);
}

std::string painted_status(Status status, const TerminalStyle& style, std::size_t width) {
  return style.paint(fmt::format("{:<{}}", name_of(status), width), paint_of(status));
}

TerminalTable::TerminalTable(const std::vector<Judged>& judged, std::size_t name_width,
                             std::optional<std::size_t> columns, TerminalStyle style)
    : judged_(judged), name_width_(name_width), style_(style) {
  for (const auto& one : judged) groups_.push_back({one});
  if (columns && width() > *columns) groups_ = {judged};
}

std::size_t TerminalTable::width() const {
  std::size_t width = name_width_ + 2 + name_of(Status::passed).size();
  for (const auto& group : groups_) width += 2 + column_width(group);
  return width;
}

std::string TerminalTable::heading(const Fingerprint& fingerprint, std::size_t cases) const {
  std::string usable;
  for (const auto& target : fingerprint.targets) usable += target.usable ? " " + target.name : "";
  std::string text =
      fmt::format("attest {}, {} on {}, {}, targets{}\n", fingerprint.attest_version, counted(cases, "case"),
                  fingerprint.cpu, counted(static_cast<std::size_t>(fingerprint.threads), "thread"), usable);
  text += "e is the share of the error budget used: each stage alone on torchtune's recorded input, and end to end\n\n";
  std::string titles = fmt::format("{:<{}}", "", name_width_);
  std::string units = fmt::format("{:<{}}", "case", name_width_);
  for (const auto& group : groups_) {
    titles += fmt::format("  {:>{}}", column_title(group), column_width(group));
    units += fmt::format("  {:>{}}", "alone   e2e", column_width(group));
  }
  return text + style_.paint(titles, Paint::bold) + "\n" + style_.paint(units, Paint::dim) + "\n";
}

std::string TerminalTable::cell(const CaseOutcome& outcome, const Group& judged) const {
  const Status status = status_of(outcome, judged);
  const std::string alone = worst_e(outcome, judged, Mode::localised);
  const std::string end_to_end = worst_e(outcome, judged, Mode::end_to_end);
  std::string text = fmt::format("{:>5} {:>5}", alone, end_to_end);
  if (alone.empty() && end_to_end.empty()) {
    text = status == Status::passed ? "raises" : status == Status::skipped ? "skip" : std::string(name_of(status));
    if (judged.front().party == Party::torchtune && judged.size() == 1) text = "raises";
  }
  const bool plain = status == Status::passed;
  return style_.paint(fmt::format("{:>{}}", text, column_width(judged)), plain ? Paint::none : paint_of(status));
}

std::string TerminalTable::row(const CaseOutcome& outcome) const {
  std::string line = fmt::format("{:<{}}", outcome.name, name_width_);
  for (const auto& group : groups_) line += "  " + cell(outcome, group);
  return line + "  " + painted_status(outcome.status, style_) + partly_judged(outcome, judged_) + "\n";
}

std::string TerminalTable::details(const CaseOutcome& outcome) const {
  std::string text;
  for (const auto& result : outcome.results) {
    const Comparison& comparison = result.comparison;
    text +=
        fmt::format("  {} step {} {:<10} {:<10} {:<18} e {:>5}", painted_status(result.status, style_, 10), result.step,
                    result.stage, name_of(result.mode), label_of(result.judged), short_e(comparison.e));
    if (comparison.worst) text += " at " + to_string(comparison.worst->index);
    if (result.peer) text += fmt::format("  T2 {:.2f}", result.peer->median);
    if (comparison.ill_conditioned_rows > 0)
      text += fmt::format("  {} ill-conditioned rows", comparison.ill_conditioned_rows);
    if (result.marginal) text += "  marginal";
    if (result.sensitivity) text += "  notices: " + sensitivity_text(*result.sensitivity);
    if (!result.message.empty()) text += "  " + result.message;
    if (const std::string why = text_of(result.explanation); !why.empty()) text += "; " + why;
    if (!is_tolerable(result.status)) text += "\n    again: " + replay_command(to_line(result, outcome.subject));
    text += "\n";
  }
  return text;
}

}  // namespace attest::harness
