#include "harness/report/terminal_summary.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "harness/judge/peer.h"
#include "harness/report/terminal_table.h"
#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

constexpr std::size_t kMostTroublesShown = 20;

/// The results of one implementation on one case that are not fine, in the order in which they were judged.
struct Trouble {
  const CaseOutcome* outcome = nullptr;
  std::vector<const Result*> results;
};

std::vector<Trouble> troubles_of(const Run& run) {
  std::vector<Trouble> troubles;
  for (const auto& outcome : run.cases) {
    std::vector<Trouble> of_case;
    for (const auto& result : outcome.results) {
      if (is_tolerable(result.status)) continue;
      const auto same = [&](const Trouble& trouble) { return trouble.results.front()->judged == result.judged; };
      auto found = std::ranges::find_if(of_case, same);
      if (found == of_case.end()) found = of_case.insert(of_case.end(), Trouble{&outcome, {}});
      found->results.push_back(&result);
    }
    troubles.insert(troubles.end(), of_case.begin(), of_case.end());
  }
  return troubles;
}

std::string where_it_starts(const Trouble& trouble) {
  const Result& first = *trouble.results.front();
  const std::size_t others = trouble.results.size() - 1;
  const std::string more = others == 0 ? "" : fmt::format("; {} more below it", others);
  switch (first.mode) {
    case Mode::localised:
      return fmt::format("first to diverge: {}, alone on its recorded input{}", first.stage, more);
    case Mode::end_to_end:
      return fmt::format("every stage alone is fine; end to end the first to diverge: {}{}", first.stage, more);
    case Mode::exact:
    case Mode::truth:
    case Mode::error:
    case Mode::setup:
      break;
  }
  return fmt::format("first to diverge: {} ({}){}", first.stage, name_of(first.mode), more);
}

std::string describe(const Trouble& trouble, const TerminalStyle& style) {
  const Result& first = *trouble.results.front();
  std::string text = fmt::format("{} {}, step {}, {}, {}: {}\n", painted_status(first.status, style), first.case_name,
                                 first.step, first.stage, label_of(first.judged), first.message);
  text += worst_text(first);
  if (first.status == Status::failed) text += "  " + where_it_starts(trouble) + "\n";
  if (const std::string why = text_of(first.explanation); !why.empty()) text += "  " + why + "\n";
  return text + "  again: " + replay_command(to_line(first, trouble.outcome->subject)) + "\n";
}

std::string counts_text(const std::map<Status, std::size_t>& counts) {
  std::string text;
  for (const Status status : kStatuses) {
    const auto found = counts.find(status);
    const std::size_t count = found == counts.end() ? 0 : found->second;
    const bool always = status == Status::passed || status == Status::failed || status == Status::skipped;
    if (count == 0 && !always) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name_of(status));
  }
  return text;
}

/// "sums of bfloat16, products of tf32": what is no part of its budget.
std::string arithmetic_text(const Declaration& declaration) {
  std::vector<std::string> words;
  if (declaration.sums != Sums::float32) words.push_back(fmt::format("sums of {}", name_of(declaration.sums)));
  if (declaration.products != Products::as_stored) {
    words.push_back(fmt::format("products of {}", name_of(declaration.products)));
  }
  if (declaration.flushes_subnormals) words.push_back("subnormals taken for zero");
  return fmt::format("{}", fmt::join(words, ", "));
}

std::string declaration_text(const std::string& label, const Declaration& declaration) {
  std::string text;
  if (declaration.scores != reference::ScoreStorage::float32) {
    text += fmt::format("{} declares scores of {} and is judged by their budget\n", label, name_of(declaration.scores));
  }
  if (const std::string arithmetic = arithmetic_text(declaration); !arithmetic.empty()) {
    text += fmt::format("{} declares {}, and is judged by the budget of float32 all the same\n", label, arithmetic);
  }
  if (declaration.same_bits_for_any_threads) {
    text += fmt::format("{} claims the same bits for any number of threads, which was put to the test\n", label);
  }
  return text;
}

/// What is said of a library beside its results: arithmetic that it declares, isolation that is not complete.
std::string standing_text(const Standing& standing) {
  const std::string label = label_of(standing.judged);
  std::string text = declaration_text(label, standing.declaration);
  if (!standing.confinement) return text;
  const auto& [seccomp, landlock] = *standing.confinement;
  const auto lacks = [](const char* what, const std::string& why) {
    return why.empty() ? "" : fmt::format("; no {}: {}", what, why);
  };
  const std::string held = seccomp.empty() ? ", without files, processes or sockets" : "";
  return text + fmt::format("{} ran in a process of its own{}{}{}\n", label, held, lacks("seccomp", seccomp),
                            lacks("Landlock", landlock));
}

/// Room for the longest label.
std::size_t label_width(const Summary& summary) {
  std::size_t width = 18;
  for (const auto& one : summary.judged) width = std::max(width, label_of(one.judged).size());
  return width;
}

/// "  0.25   0.53": median and maximum; dashes where nothing was judged that way.
std::string spread_text(const Spread& spread) {
  if (spread.stages == 0) return fmt::format("{:>6} {:>6}", "-", "-");
  return fmt::format("{:>6} {:>6}", short_e(spread.median), short_e(spread.max));
}

std::string judged_line(const JudgedSummary& one, std::size_t width) {
  std::string line =
      fmt::format("{:<{}} {:>6}   {}   {}", label_of(one.judged), width, one.localised.stages + one.end_to_end.stages,
                  spread_text(one.localised), spread_text(one.end_to_end));
  if (one.peer_median) {
    line += fmt::format("   {:>6.2f} {:>5.0f} %", *one.peer_median, 100.0 * one.share_more_accurate);
    if (*one.peer_median > kPeerWarning) line += "  warning: much less accurate than torchtune";
  }
  return line + "\n";
}

const Result* worst_of(const Summary& summary) {
  const Result* worst = nullptr;
  for (const auto& one : summary.judged) {
    for (const Spread* spread : {&one.localised, &one.end_to_end}) {
      if (!one.judged.is_implementation() || spread->worst == nullptr) continue;
      if (worst == nullptr || spread->max > worst->comparison.e) worst = spread->worst;
    }
  }
  return worst;
}

const Result* first_trouble(const Run& run) {
  for (const auto& one : run.cases) {
    const auto trouble = std::ranges::find_if(one.results, [](const Result& r) { return !is_tolerable(r.status); });
    if (trouble != one.results.end()) return &*trouble;
  }
  if (run.coverage && !run.coverage->failures.empty()) return &run.coverage->failures.front();
  return nullptr;
}

/// "; ./k.so was judged in 38 of 204 results that it offers (19 %)", for whoever declares gaps in what it offers.
std::string gaps_text(const Summary& summary) {
  std::string text;
  for (const auto& one : summary.judged) {
    if (one.gaps == 0 || one.judged.party != Party::library) continue;
    const std::size_t judged = one.offered - one.gaps;
    text += fmt::format("; {}: {} of the {} results that it offers were judged ({:.0f} %)", label_of(one.judged),
                        judged, one.offered, 100.0 * static_cast<double>(judged) / static_cast<double>(one.offered));
  }
  return text;
}

std::string where(const Result& result) {
  return fmt::format("{} of {}, {}", result.stage, result.case_name, label_of(result.judged));
}

}  // namespace

std::string worst_text(const Result& result) {
  if (!result.comparison.worst || result.status != Status::failed) return "";
  const WorstElement& worst = *result.comparison.worst;
  return fmt::format("  worst element {}{}: got {:.9g}, expected {:.9g}, budget {:.3g}, e = {:.4g}\n", result.stage,
                     to_string(worst.index), worst.got, worst.expected, worst.budget, result.comparison.e);
}

std::string failure_text(const Run& run, const TerminalStyle& style) {
  std::string text;
  for (const auto& absence : run.absences) {
    if (is_tolerable(absence.status)) continue;
    text +=
        fmt::format("\n{} {}: {}\n", painted_status(absence.status, style), label_of(absence.judged), absence.message);
  }
  const std::vector<Trouble> troubles = troubles_of(run);
  for (std::size_t i = 0; i < std::min(troubles.size(), kMostTroublesShown); ++i)
    text += fmt::format("\n{}", describe(troubles[i], style));
  if (troubles.size() > kMostTroublesShown) {
    text += fmt::format("\n... and {} more; --verbose shows them, --report json=FILE holds them\n",
                        troubles.size() - kMostTroublesShown);
  }
  return text;
}

std::string summary_text(const Summary& summary, const TerminalStyle& style) {
  const std::size_t width = label_width(summary);
  std::string text = style.paint(fmt::format("\n{:<{}} {:>6}   {:>6} {:>6}   {:>6} {:>6}   {:>6} {:>7}\n", "", width,
                                             "stages", "alone", "max", "e2e", "max", "T2", "better"),
                                 Paint::dim);
  for (const auto& one : summary.judged) text += judged_line(one, width);
  for (const auto& one : summary.judged) text += one.standing ? standing_text(*one.standing) : "";
  text += style.paint(
      "alone, e2e: median and largest e; T2: median rms error over torchtune's own, and rows where ours is better\n",
      Paint::dim);
  text += fmt::format(
      "\nfloat64 truth and NumPy's differ by at most {:.1f} % of what two float64 results may, on {} stages\n",
      100 * summary.truth.max, summary.truth.stages);
  if (const Result* least = summary.least_sensitive) {
    text += fmt::format("least sensitive of {} attentions: {} step {}, notices in budgets: {}\n", summary.attentions,
                        least->case_name, least->step, sensitivity_text(*least->sensitivity));
  }
  text += fmt::format("cases: {}\nresults: {}\n", counts_text(summary.cases), counts_text(summary.results));
  for (const auto& [reason, skips] : summary.skips) {
    text += fmt::format("  {} skipped: {} ({})\n", skips.results, reason, fmt::join(skips.judged, ", "));
  }
  if (summary.marginal > 0) text += fmt::format("  {} marginal, in structured-constant families\n", summary.marginal);
  if (summary.ill_conditioned_rows > 0) {
    text += fmt::format("  {} rows ill-conditioned end to end, judged alone only\n", summary.ill_conditioned_rows);
  }
  return text;
}

std::string verdict_line(const Run& run, const Summary& summary, const TerminalStyle& style) {
  const bool fine = all_fine(run);
  std::string line = style.paint(fine ? "passed" : "failed", fine ? Paint::green : Paint::red);
  const auto skipped = summary.cases.find(Status::skipped);
  const std::size_t judged = run.cases.size() - (skipped == summary.cases.end() ? 0 : skipped->second);
  if (run.selected > 0) {
    line += fmt::format(": {} of {} cases judged, {}", judged, run.selected, counts_text(summary.cases));
    line += gaps_text(summary);
  }
  if (run.draws)
    line += fmt::format("{} {} draws, {} failed", run.selected > 0 ? ";" : ":", run.draws->asked,
                        run.draws->failures.size());
  if (const Result* trouble = first_trouble(run)) {
    line += fmt::format("; first {} {}", name_of(trouble->status), where(*trouble));
  } else if (const Result* worst = worst_of(summary)) {
    line += fmt::format("; largest e {} ({})", short_e(worst->comparison.e), where(*worst));
  }
  return line + fmt::format("; {:.1f} s", run.seconds);
}

}  // namespace attest::harness
