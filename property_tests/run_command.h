#pragma once

#include <map>
#include <string>
#include <vector>

namespace attest::property_tests {

struct CommandOutcome {
  int exit_code = -1;  ///< 128 + signal if it was killed
  std::string out;
  std::string err;
};

/// Runs a program to its end with these additional environment variables.
CommandOutcome run_command(const std::vector<std::string>& arguments,
                           const std::map<std::string, std::string>& environment = {});

struct Terminal {
  unsigned short columns = 120;
  std::string typed;       ///< by the user, all at once
  std::string after = {};  ///< once this was printed; empty: at the beginning
};

/// The same in a terminal: `out` holds all that it was sent, with CR before each LF; `err` nothing.
CommandOutcome run_in_terminal(const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment = {},
                               const Terminal& terminal = {});

}  // namespace attest::property_tests
