#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/command/commands.h"
#include "harness/command/exit_codes.h"
#include "harness/command/verify_options.h"
#include "harness/judge/comparator_self_check.h"
#include "harness/judge/offered.h"
#include "harness/machine/interrupt.h"
#include "harness/machine/process_resources.h"
#include "harness/report/github.h"
#include "harness/report/json_report.h"
#include "harness/report/progress.h"
#include "harness/report/report_file.h"
#include "harness/report/report_kinds.h"
#include "harness/report/terminal_report.h"
#include "harness/report/terminal_table.h"
#include "harness/run/selection.h"
#include "harness/run/verify.h"

namespace attest::harness {
namespace {

namespace fs = std::filesystem;

/// Shows the table while the run goes on.
class Screen {
 public:
  Screen(const Lineup& lineup, const std::vector<fs::path>& files, Detail detail)
      : detail_(detail),
        count_(files.size()),
        progress_(static_cast<double>(std::max<std::size_t>(count_, 1))),
        style_(style_of_standard_output()),
        table_(columns(lineup), name_width(files), columns_of_terminal(STDOUT_FILENO), style_) {}

  void open(const Fingerprint& fingerprint) const {
    if (detail_ != Detail::quiet && count_ > 0) print(table_.heading(fingerprint, count_));
  }

  void before_case(const fs::path& file, std::size_t index) {
    show(index, fmt::format("{}/{} {}", index + 1, count_, file.stem().string()));
  }

  void before_draw(std::int64_t row, std::int64_t of) {
    show(count_, fmt::format("covering array {}/{}", row + 1, of));
  }

  void before_question(std::uint64_t asked) { show(count_, fmt::format("draw {}", asked + 1)); }

  void wipe() { progress_.wipe(); }

  void after_case(const CaseOutcome& outcome) {
    progress_.wipe();
    if (detail_ == Detail::quiet) return;
    print(table_.row(outcome));
    if (detail_ == Detail::verbose) print(table_.details(outcome));
    std::fflush(stdout);
  }

 private:
  void show(std::size_t cases_done, const std::string& doing) {
    progress_.show(static_cast<double>(cases_done), doing);
  }

  static void print(const std::string& text) { fmt::print("{}", text); }

  static std::vector<Judged> columns(const Lineup& lineup) {
    std::vector<Judged> judged = {{Party::torchtune}};
    for (const auto& one : lineup.implementations) judged.push_back(one->identity());
    return judged;
  }

  Detail detail_;
  std::size_t count_;
  Progress progress_;
  TerminalStyle style_;
  TerminalTable table_;
};

void refuse_broken_comparator() {
  if (const std::string row = first_comparator_error(); !row.empty()) {
    throw std::logic_error("the comparator's own truth table fails at \"" + row + "\"; nothing was judged");
  }
}

void append_unmet(Run& run, const Lineup& lineup, const Demand& demand) {
  for (const auto& implementation : lineup.implementations) {
    Demanded demanded(demand, implementation->identity());
    for (const CaseOutcome& outcome : run.cases) {
      for (const Result& result : outcome.results) demanded.count(result);
    }
    for (Result& unmet : demanded.verdict()) run.absences.push_back(std::move(unmet));
  }
}

Run judge(const VerifyOptions& options, const std::vector<fs::path>& files, const Fingerprint& fingerprint) {
  const Lineup lineup = line_up(options.lineup_request());
  const ThreadBudget budget{threads(), options.threads == 0};
  const std::vector<Demand> demands = demands_from_text(options.require);
  Screen screen(lineup, files, options.detail());
  screen.open(fingerprint);
  Run run = verify(files, lineup, budget,
                   {[&](const fs::path& file, std::size_t index) { screen.before_case(file, index); },
                    [&](const CaseOutcome& outcome) { screen.after_case(outcome); }});
  if (options.wants_coverage() && !run.interrupted) {
    run.coverage = run_coverage(lineup, [&](std::int64_t row, std::int64_t of) { screen.before_draw(row, of); });
    screen.wipe();
    run.interrupted = run.coverage->rows < run.coverage->selected;
    run.seconds += run.coverage->seconds;
  }
  if (const auto draws = options.wanted_draws(lineup); draws && !run.interrupted) {
    run.draws = run_draws(lineup, *draws, [&](std::uint64_t asked) { screen.before_question(asked); });
    screen.wipe();
    run.interrupted = run.draws->interrupted;
    run.seconds += run.draws->seconds;
  }
  for (const Demand& demand : demands) append_unmet(run, lineup, demand);
  return run;
}

/// Nothing was judged: Ctrl-C came while a library was loaded.
Run interrupted_before(const std::vector<fs::path>& files) {
  Run run;
  run.selected = files.size();
  run.interrupted = true;
  return run;
}

struct Selection {
  std::vector<fs::path> files;
  std::size_t left_out = 0;  ///< cases that only --large all takes
};

Selection selection(const VerifyOptions& options, const fs::path& fixtures) {
  if (!options.wants_cases()) return {};
  const auto all = options.cases.empty() ? all_cases(fixtures) : select_cases(options.cases, fixtures);
  const auto selected = options.cases.empty() && options.large != "all" ? without_larger(all) : all;
  return {take_shard(selected, shard_from_text(options.shard)), all.size() - selected.size()};
}

int run_verify(VerifyOptions options, const std::vector<std::string>& argv) {
  refuse_broken_comparator();
  keep_freed_memory();
  if (options.threads > 0) set_threads(options.threads);
  const Fingerprint fingerprint = environment_fingerprint();
  const auto reports = report_requests(options.reports, kReportKinds);
  const fs::path fixtures = fixtures_directory(options.fixtures);
  const auto [files, left_out] = selection(options, fixtures);
  options.lineup.isolation.hidden = what_holds_answers(files, fixtures);

  watch_for_interrupt();
  Run run;
  try {
    run = judge(options, files, fingerprint);
  } catch (const Interrupted&) {
    run = interrupted_before(files);
  }
  const Summary summary = summarise(run);
  const auto document = report_document(run, summary, fingerprint, {argv, options.shard});
  write_reports(reports, document);
  tell_github(document);
  if (run.interrupted) {
    fmt::print(stderr, "attest: interrupted after {} of {} cases\n", run.cases.size(), files.size());
  } else {
    if (left_out > 0 && !options.quiet) {
      fmt::print("\n{} cases of {}/ left out: attest verify --large all takes them too\n", left_out, kLargerGroup);
    }
    fmt::print("{}", end_text(run, summary, style_of_standard_output(), options.detail()));
  }
  return exit_code_of(document.at("status").get<std::string>());
}

}  // namespace

void add_verify(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<VerifyOptions>();
  CLI::App* command =
      app.add_subcommand("verify", "Judge torchtune cases: does everybody compute what torchtune computes?");
  add_options(*command, *options);
  command->callback([options, &invocation] { invocation.exit_code = run_verify(*options, invocation.argv); });
}

}  // namespace attest::harness
