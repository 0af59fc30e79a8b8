#include <fmt/format.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "fixtures/error.h"
#include "harness/command/commands.h"
#include "harness/command/exit_codes.h"
#include "harness/report/github.h"
#include "harness/report/job_summary.h"
#include "harness/report/joined_shards.h"
#include "harness/report/read_document.h"
#include "harness/report/report_file.h"
#include "harness/report/report_kinds.h"
#include "harness/report/reported_run.h"
#include "harness/report/terminal_report.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

struct ReportOptions {
  std::vector<std::string> files;
  std::vector<std::string> reports;
  bool quiet = false;
  bool verbose = false;

  Detail detail() const { return quiet ? Detail::quiet : verbose ? Detail::verbose : Detail::table; }
};

constexpr auto kReportFooter = R"(Examples:
  attest report report.json                           what the run showed, from what it wrote
  attest report shard1.json shard2.json --report json=all.json     the shards of a run as one
  attest report report.json --report html=report.html --quiet      another form of it; of profile and selftest too

Exit code: of what is reported, 0 passed, 1 failed, 130 interrupted; 2 a usage or input error.

Environment: NO_COLOR; GITHUB_ACTIONS, GITHUB_STEP_SUMMARY (see docs/ci.md).)";

bool is_of_verify(const Json& document) { return document.at("schema") == "attest.report"; }

/// Made anew of what was read, so that nothing is shown that is not looked at.
ReportedRun read_run(const std::vector<std::string>& files, const std::vector<Json>& documents) {
  std::vector<ShardReport> shards;
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!is_of_verify(documents[i])) {
      throw InputError(files[i], "the shards of a run of attest verify, or one report alone", "another report");
    }
    shards.push_back({files[i], reported_run(documents[i], files[i])});
  }
  return shards.size() == 1 ? std::move(shards.front().reported) : joined_shards(std::move(shards));
}

void show(const ReportedRun& reported, Detail detail) {
  fmt::print("{}", terminal_text(reported, style_of_standard_output(), columns_of_terminal(STDOUT_FILENO), detail));
}

/// The same document, shown and written in every form that was asked for.
int tell(const Json& document, const std::vector<ReportRequest>& reports) {
  write_reports(reports, document);
  tell_github(document);
  return exit_code_of(document.at("status").get<std::string>());
}

int run_report(const ReportOptions& options) {
  const auto reports = report_requests(options.reports, kReportKinds);
  std::vector<Json> documents;
  for (const auto& file : options.files) documents.push_back(read_document(file));
  try {
    if (documents.size() == 1 && !is_of_verify(documents.front())) {
      if (!options.quiet) fmt::print("{}", printable_lines(job_summary(documents.front())));
      return tell(documents.front(), reports);
    }
    const ReportedRun reported = read_run(options.files, documents);
    show(reported, options.detail());
    return tell(report_document(reported.run, summarise(reported.run), reported.fingerprint, reported.header), reports);
  } catch (const Json::exception& error) {
    throw InputError(options.files.front(), "the members that docs/json_report.md describes", error.what());
  }
}

}  // namespace

void add_report(CLI::App& app, Invocation& invocation) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command =
      app.add_subcommand("report", "What a run came to, again: its JSON report in any form, or shards as one");
  command->add_option("REPORT", options->files, "A JSON report, or those of all shards of a run")
      ->type_name("")
      ->required();
  command->add_option("--report", options->reports, "Write a report; repeatable")
      ->type_name(report_values(kReportKinds))
      ->allow_extra_args(false);
  auto* verbose = command->add_flag("--verbose", options->verbose, "A line for each stage");
  command->add_flag("--quiet", options->quiet, "The last line only")->excludes(verbose);
  command->footer(kReportFooter);
  command->callback([options, &invocation] { invocation.exit_code = run_report(*options); });
}

}  // namespace attest::harness
