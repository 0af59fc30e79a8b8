#include <fmt/format.h>

#include <algorithm>

#include "harness/bug_zoo/bugs.h"
#include "harness/report/selftest_report.h"
#include "harness/report/terminal_table.h"
#include "harness/selftest/check_letter.h"

namespace attest::harness {
namespace {

constexpr std::size_t kNameWidth = 36;

char letter_of(std::size_t family) { return static_cast<char>('a' + family); }

std::string heading(const Selftest& selftest, const TerminalStyle& style) {
  const std::string text =
      "each cell: the first check that noticed the bug in a case of that family\n"
      "  C the call itself: crash, stray access, thread count\n"
      "  S a stage alone   X its exact bits   E the layer end to end\n"
      "named: an explanation says which bug it is; law: the first that it breaks on one draw\n\n";
  std::string families;
  for (std::size_t n = 0; n < selftest.families.size(); ++n) families += fmt::format(" {}", letter_of(n));
  return text + style.paint(fmt::format("{:<{}}{}  named  law", "planted bug", kNameWidth, families), Paint::bold) +
         "\n";
}

std::string bug_row(const Trial& bug, const std::vector<std::string>& families, const TerminalStyle& style) {
  std::string cells;
  for (const auto& family : families) {
    const auto found = bug.rejections.find(family);
    cells += fmt::format(" {}", found == bug.rejections.end() ? '.' : letter_of_check(name_of(found->second.check)));
  }
  const bool is_equivalent = !equivalence_of(bug).empty();
  const std::string row =
      fmt::format("{:<{}}{}  {:<5}  {}", bug.name, kNameWidth, cells, was_named(bug) ? "named" : "", bug.broken_law);
  if (was_noticed(bug)) {
    if (is_equivalent) return style.paint(row + "  noticed, though listed as equivalent", Paint::red) + "\n";
    return row + "\n";
  }
  if (!is_equivalent) return style.paint(row + "  survived", Paint::red) + "\n";
  return style.paint(row + "  equivalent: " + std::string(equivalence_of(bug)), Paint::dim) + "\n";
}

std::string bug_rows(const Selftest& selftest, const TerminalStyle& style) {
  std::string text;
  const bug_zoo::PlantedBug* previous = nullptr;
  for (const Trial& bug : selftest.bugs) {
    const bug_zoo::PlantedBug* planted = bug_zoo::find_bug(bug.name);
    if (previous == nullptr || previous->area != planted->area) {
      text += style.paint(std::string(name_of(planted->area)), Paint::dim) + "\n";
    }
    text += bug_row(bug, selftest.families, style);
    previous = planted;
  }
  return text;
}

std::string legend(const std::vector<std::string>& families) {
  constexpr std::size_t kInALine = 4;
  std::string text = "\n";
  for (std::size_t n = 0; n < families.size(); ++n) {
    const bool ends_line = n % kInALine == kInALine - 1 || n + 1 == families.size();
    text += fmt::format("{} {:<{}}{}", letter_of(n), families[n], ends_line ? 0 : 17, ends_line ? "\n" : " ");
  }
  return text;
}

std::string variant_rows(const Selftest& selftest, const TerminalStyle& style) {
  if (selftest.variants.empty()) return "";
  std::string text =
      "\n" + style.paint(fmt::format("{:<{}}  largest e", "correct variant", kNameWidth), Paint::bold) + "\n";
  for (const Trial& variant : selftest.variants) {
    text += fmt::format("{:<{}}  {:>9}", variant.name, kNameWidth, short_e(variant.largest_e));
    text += was_accepted(variant) ? "\n" : style.paint("  rejected", Paint::red) + "\n";
    if (!variant.broken_law.empty()) text += fmt::format("  breaks the law {}\n", variant.broken_law);
    for (const auto& [family, rejection] : variant.rejections) {
      text += fmt::format("  {} of {}: {}\n", rejection.result.stage, rejection.line, rejection.result.message);
    }
  }
  return text;
}

std::string counts_text(const NamingCounts& counts) {
  std::string text;
  for (const Naming naming : kNamings) {
    text += fmt::format("{}{} {} ({:.1f} %)", text.empty() ? "" : ", ", counts.of[static_cast<std::size_t>(naming)],
                        name_of(naming), 100 * counts.share(naming));
  }
  return text;
}

/// What the first causes named are worth, and each that is wrong.
std::string truthfulness_text(const Selftest& selftest) {
  const Truthfulness truthfulness = truthfulness_of(selftest);
  std::string text = fmt::format("\nfirst cause named of {} failures: {}\n", truthfulness.all.failures(),
                                 counts_text(truthfulness.all));
  text += fmt::format("  of {} with e below {}: {}\n", truthfulness.near_the_limit.failures(), kNearTheLimit,
                      counts_text(truthfulness.near_the_limit));
  for (const Trial& bug : selftest.bugs) {
    for (const NamedCause& cause : bug.causes) {
      if (cause.naming != Naming::wrong) continue;
      text += fmt::format("  wrong of {}: {} ({} of {})\n", bug.name, cause.first.sentence, cause.stage, cause.line);
    }
  }
  return text;
}

std::string verdict(const Selftest& selftest, const TerminalStyle& style) {
  const auto noticed = std::ranges::count_if(selftest.bugs, was_noticed);
  const auto equivalent =
      std::ranges::count_if(selftest.bugs, [](const Trial& bug) { return !equivalence_of(bug).empty(); });
  const auto named = std::ranges::count_if(selftest.bugs, was_named);
  const auto accepted = std::ranges::count_if(selftest.variants, was_accepted);
  const bool fine = all_fine(selftest);
  std::string holes;
  for (const auto& hole : selftest.coverage_holes) holes += "\nthe covering array lacks " + hole;
  return holes + fmt::format(
                     "\n{}: {} of {} planted bugs noticed, {} named, {} equivalent; {} of {} correct variants "
                     "accepted; {:.1f} s\n",
                     style.paint(fine ? "passed" : "failed", fine ? Paint::green : Paint::red), noticed,
                     selftest.bugs.size(), named, equivalent, accepted, selftest.variants.size(), selftest.seconds);
}

}  // namespace

std::string selftest_text(const Selftest& selftest, const TerminalStyle& style) {
  return heading(selftest, style) + bug_rows(selftest, style) + legend(selftest.families) +
         variant_rows(selftest, style) + truthfulness_text(selftest) + verdict(selftest, style);
}

}  // namespace attest::harness
