#include "harness/command/verify_options.h"

#include <algorithm>
#include <chrono>
#include <random>

#include "harness/report/report_file.h"
#include "harness/report/report_kinds.h"

namespace attest::harness {
namespace {

/// A whole run asks a library some questions that nobody can have seen: whoever knows the answers to the recorded ones,
/// or to those of the last run, does not know these.
constexpr std::chrono::seconds kTimeForFreshDraws{2};

constexpr auto kVerifyFooter = R"(Examples:
  attest verify                                       every case, every implementation, every usable target
  attest verify heads/grouped_query --verbose         one case by its name, a line for each stage
  attest verify 'masks/*' --target avx2               a glob over case names, one target
  attest verify --implementation ./my_kernel.so       anybody's kernel, see docs/bring_your_own_kernel.md
  attest verify --draws 1000 --implementation ./my_kernel.so    random questions, shrunk where they fail
  attest verify my_case.h5 --implementation reference --report json=report.json
  attest verify --shard 2/4 --report json=shard2.json --report junit=shard2.xml
  attest verify --report html=report.html             one page for a browser, without a network

Exit code: 0 all passed (skips with a declared reason are allowed), 1 a parity failure, 2 a usage or input error,
130 interrupted (the reports hold what was judged).

Environment: ATTEST_FIXTURES, ATTEST_TARGET, ATTEST_REQUIRE_TARGETS="avx2;avx512" (a missing one fails),
  ATTEST_HIDE_CPU_FEATURES="AVX2" (as if the CPU lacked it), NO_COLOR;
GITHUB_ACTIONS, GITHUB_STEP_SUMMARY (see docs/ci.md).)";

}  // namespace

std::optional<DrawRequest> VerifyOptions::wanted_draws(const Lineup& people) const {
  const Isolation isolation = lineup_request().isolation;
  const std::uint64_t any = (std::uint64_t{std::random_device{}()} << 16) % 1'000'000'000 + 1;
  if (asks_for_draws()) {
    return DrawRequest{seed          ? *seed
                       : minutes > 0 ? any
                                     : 1,
                       draws, std::chrono::milliseconds(static_cast<std::int64_t>(60'000 * minutes)), isolation};
  }
  const auto is_library = [](const auto& one) { return one->identity().party == Party::library; };
  if (!is_whole() || std::ranges::none_of(people.implementations, is_library)) return std::nullopt;
  return DrawRequest{seed.value_or(any), 0, kTimeForFreshDraws, isolation};
}

void add_options(CLI::App& command, VerifyOptions& options) {
  command.add_option("CASE", options.cases, "Case names, files, directories or globs (default: every case)")
      ->type_name("");
  command
      .add_option("--implementation", options.lineup.implementations,
                  "reference, optimized or a shared library, PATH.so[#OPTION]; repeatable (default: the first two)")
      ->type_name("reference|optimized|FILE")
      ->allow_extra_args(false);
  command
      .add_option("--target", options.lineup.target,
                  "One target of the optimized code, or all (default: ATTEST_TARGET, else all)")
      ->type_name("TARGET|all");
  command.add_option("--threads", options.threads, "Threads (default: all; one for a small case)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096));
  command.add_option("--time-limit", options.time_limit, "Seconds that one call of a shared library may take")
      ->type_name("SECONDS")
      ->check(CLI::Range(1, 86400))
      ->capture_default_str();
  command
      .add_option("--require", options.require,
                  "Functions of which so many percent must be judged, not declared a gap: attention,layer:80")
      ->type_name("FUNCTION[:PERCENT],...");
  command.add_option("--shard", options.shard, "Judge only the I-th of N parts of the selection")
      ->type_name("I/N")
      ->capture_default_str();
  command
      .add_option("--coverage", options.coverage,
                  "The covering array of drawn calls: on, off, or auto, which is on where no case is named")
      ->type_name("on|off|auto")
      ->check(CLI::IsMember({"on", "off", "auto"}))
      ->capture_default_str();
  command
      .add_option("--large", options.large, "Where no case is named: all takes those of larger/ too, which take long")
      ->type_name("default|all")
      ->check(CLI::IsMember({"default", "all"}))
      ->capture_default_str();
  command.add_option("--draws", options.draws, "Ask N random questions; without a CASE, these alone")
      ->type_name("N")
      ->check(CLI::Range(1, 1'000'000'000));
  command.add_option("--minutes", options.minutes, "Ask random questions for M minutes; without a CASE, these alone")
      ->type_name("M")
      ->check(CLI::Range(0.001, 100'000.0));
  command.add_option("--seed", options.seed, "Of the questions (default: 1 with --draws, else a fresh one)")
      ->type_name("S");
  command.add_option("--report", options.reports, "Write a report; repeatable")
      ->type_name(report_values(kReportKinds))
      ->allow_extra_args(false);
  command.add_option("--fixtures", options.fixtures, "Directory with case files and manifest.json")
      ->type_name("DIRECTORY");
  auto* verbose = command.add_flag("--verbose", options.verbose, "A line for each stage");
  command.add_flag("--quiet", options.quiet, "The last line only")->excludes(verbose);
  command.footer(kVerifyFooter);
}

}  // namespace attest::harness
