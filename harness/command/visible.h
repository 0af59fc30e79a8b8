#pragma once

#include <CLI/CLI.hpp>
#include <vector>

namespace attest::harness {

/// The subcommands that the help shows; one without a group is for the program's own use.
inline std::vector<const CLI::App*> visible_commands(const CLI::App& command) {
  return command.get_subcommands([](const CLI::App* sub) { return !sub->get_group().empty(); });
}

}  // namespace attest::harness
