#include "harness/command/commands.h"
#include "harness/isolation/worker.h"
#include "harness/isolation/worker_channel.h"

namespace attest::harness {

void add_worker(CLI::App& app, Invocation& invocation) {
  auto request = std::make_shared<WorkerRequest>();
  CLI::App* command = app.add_subcommand("worker", "Runs a library under test; started by attest itself");
  command->group("");  // not in the help
  command->add_option("--hidden", request->hidden)->allow_extra_args(false);
  command->add_option("LIBRARY", request->library)->required();
  command->add_option("OPTION", request->option);
  command->callback([request, &invocation] { invocation.exit_code = run_worker(kWorkerChannel, *request); });
}

}  // namespace attest::harness
