#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// The subcommands of `attest`. Each one adds itself to the parser; when it was chosen it runs as the parser's callback
/// and sets `exit_code`: 0 all passed, 1 a parity failure, 2 a usage or input error (thrown as InputError), 130 Ctrl-C.
namespace attest::harness {

struct Invocation {
  std::vector<std::string> argv;
  int exit_code = 0;
};

void add_verify(CLI::App& app, Invocation& invocation);
void add_profile(CLI::App& app, Invocation& invocation);
void add_selftest(CLI::App& app, Invocation& invocation);
void add_targets(CLI::App& app, Invocation& invocation);
void add_fixtures(CLI::App& app, Invocation& invocation);
void add_replay(CLI::App& app, Invocation& invocation);
void add_worker(CLI::App& app, Invocation& invocation);

}  // namespace attest::harness
