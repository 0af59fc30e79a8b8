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

}  // namespace attest::property_tests
