#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

/// The subcommands of `attest`. Each one adds itself to the parser; when it was chosen it runs as the parser's callback
/// and sets `exit_code`: 0 all passed, 1 a parity failure, 2 a usage or input error (thrown as InputError), 130 Ctrl-C.
/// The names of values in their help (CASE, TARGET, FILE, json=FILE) are also what the shells complete
/// (completion.cpp).
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
void add_report(CLI::App& app, Invocation& invocation);
void add_worker(CLI::App& app, Invocation& invocation);
void add_manual(CLI::App& app);
void add_complete(CLI::App& app);

}  // namespace attest::harness
