#include "harness/command/commands.h"
#include "harness/isolation/worker.h"
#include "harness/isolation/worker_channel.h"

namespace attest::harness {

void add_worker(CLI::App& app, Invocation& invocation) {
  struct Options {
    std::string library, option;
  };
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("worker", "Runs a library under test; started by attest itself");
  command->group("");  // not in the help
  command->add_option("LIBRARY", options->library)->required();
  command->add_option("OPTION", options->option);
  command->callback(
      [options, &invocation] { invocation.exit_code = run_worker(kWorkerChannel, options->library, options->option); });
}

}  // namespace attest::harness
