#include <fmt/format.h>

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "harness/command/commands.h"
#include "harness/command/exit_codes.h"
#include "harness/machine/interrupt.h"
#include "harness/machine/process_resources.h"
#include "harness/report/github.h"
#include "harness/report/progress.h"
#include "harness/report/report_file.h"
#include "harness/report/report_kinds.h"
#include "harness/report/selftest_report.h"
#include "harness/report/terminal_style.h"
#include "harness/run/selection.h"
#include "harness/selftest/selftest.h"

namespace attest::harness {
namespace {

struct SelftestOptions {
  std::vector<std::string> bugs;
  std::vector<std::string> reports;
  std::string fixtures;
  int threads = 0;
};

constexpr auto kSelftestFooter = R"(Examples:
  attest selftest                                     every planted bug, every correct variant
  attest selftest --bug heads_tiled --bug stale_v     only these
  attest selftest --report json=selftest.json         with the evidence of every rejection
  attest selftest --report html=selftest.html         the same as one page for a browser
  attest selftest --report junit=selftest.xml         a test case for each bug

Exit code: 0 every bug was noticed and every correct variant accepted, 1 not so, 2 a usage or input error, 130
interrupted (the report holds what was tried).

Environment: ATTEST_FIXTURES, NO_COLOR; GITHUB_ACTIONS, GITHUB_STEP_SUMMARY (see docs/ci.md).)";

/// What the terminal shows last.
void show_end(const Selftest& selftest) {
  if (selftest.interrupted) {
    fmt::print(stderr, "attest: interrupted after {} of {} kernels\n", selftest.bugs.size() + selftest.variants.size(),
               selftest.selected);
  } else {
    fmt::print("{}", selftest_text(selftest, style_of_standard_output()));
  }
}

int exit_code_of(const Selftest& selftest) {
  if (selftest.interrupted) return kExitInterrupted;
  return all_fine(selftest) ? 0 : kExitFailed;
}

int run(const SelftestOptions& options, const std::vector<std::string>& argv) {
  const auto reports = report_requests(options.reports, kReportKinds);
  const SelftestRequest request{options.bugs, fixtures_directory(options.fixtures),
                                options.threads > 0 ? options.threads : threads()};
  watch_for_interrupt();
  Progress progress(1.0);
  progress.show(0.0, "drawing the cases");
  const Selftest selftest = run_selftest(request, [&](std::size_t done, std::size_t of) {
    progress.show(static_cast<double>(done) / static_cast<double>(of), fmt::format("{}/{} kernels", done, of));
  });
  progress.wipe();
  const auto document = selftest_document(selftest, environment_fingerprint(), argv);
  write_reports(reports, document);
  tell_github(document);
  show_end(selftest);
  return exit_code_of(selftest);
}

}  // namespace

void add_selftest(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<SelftestOptions>();
  CLI::App* command =
      app.add_subcommand("selftest", "Would this harness have noticed? Planted bugs on every family of inputs");
  command->add_option("--bug", options->bugs, "A planted bug's name; repeatable (default: all, and correct variants)")
      ->type_name("BUG")
      ->allow_extra_args(false);
  command->add_option("--threads", options->threads, "Kernels tried side by side (default: all threads)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  command->add_option("--report", options->reports, "Write a report; repeatable")
      ->type_name(report_values(kReportKinds))
      ->allow_extra_args(false);
  command->add_option("--fixtures", options->fixtures, "Directory with the recorded cases")->type_name("DIRECTORY");
  command->footer(kSelftestFooter);
  command->callback([options, &invocation] { invocation.exit_code = run(*options, invocation.argv); });
}

}  // namespace attest::harness
