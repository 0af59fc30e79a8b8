#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <memory>

#include "fixtures/error.h"
#include "harness/command/commands.h"
#include "harness/command/exit_codes.h"
#include "harness/command/help_format.h"

namespace {

constexpr std::size_t kLongestSentence = 10'000;

/// One sentence on standard error, whatever the message holds.
int refuse(std::string sentence) {
  std::ranges::replace(sentence, '\n', ' ');
  std::fflush(stdout);
  fmt::print(stderr, "attest: {}\n", attest::printable(sentence, kLongestSentence));
  return attest::harness::kExitUsage;
}

constexpr auto kFooter = R"(Examples:
  attest verify                            judge everything on this machine
  attest selftest                          would it have noticed? planted bugs, judged
  attest profile                           time the optimized code beside the machine's peaks
  attest replay 'LINE'                     a failure again, from the line that it printed
  attest report FILE.json                  a run again, from its JSON report; shards as one
  attest fixtures list                     the recorded torchtune cases
  attest targets                           the instruction sets that can run here)";

}  // namespace

int main(int argc, char** argv) {
  attest::harness::Invocation invocation;
  invocation.argv.assign(argv, argv + argc);
  CLI::App app("Does this attention layer compute what torchtune's MultiHeadAttention computes?", "attest");
  app.formatter(std::make_shared<attest::harness::HelpFormat>());
  app.set_version_flag("--version", "attest " ATTEST_VERSION, "Print the version and exit");
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(0, 1);
  app.footer(kFooter);
  attest::harness::add_verify(app, invocation);
  attest::harness::add_profile(app, invocation);
  attest::harness::add_selftest(app, invocation);
  attest::harness::add_fixtures(app, invocation);
  attest::harness::add_targets(app, invocation);
  attest::harness::add_replay(app, invocation);
  attest::harness::add_report(app, invocation);
  attest::harness::add_worker(app, invocation);
  attest::harness::add_manual(app);
  attest::harness::add_complete(app);
  app.final_callback([&app] {
    if (app.get_subcommands().empty())
      throw attest::InputError("command", "verify, selftest, profile, replay, report, fixtures or targets", "none");
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const std::exception& error) {
    return refuse(error.what());
  }
  return invocation.exit_code;
}
