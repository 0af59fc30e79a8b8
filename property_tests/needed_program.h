#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "property_tests/run_command.h"

namespace attest::property_tests {

inline bool is_installed(const std::string& program) {
  return run_command({"/bin/sh", "-c", "command -v " + program}).exit_code == 0;
}

/// Whether ATTEST_REQUIRE_PROGRAMS ("xmllint;zsh") names it.
inline bool is_required(const std::string& program) {
  const char* names = std::getenv("ATTEST_REQUIRE_PROGRAMS");
  return names != nullptr && (";" + std::string(names) + ";").find(";" + program + ";") != std::string::npos;
}

/// The rest of a test needs this program: without it, the test is skipped, or fails where the program is required.
#define ATTEST_NEEDS_PROGRAM(program)                                                 \
  if (!::attest::property_tests::is_installed(program)) {                             \
    if (::attest::property_tests::is_required(program))                               \
      FAIL() << program << " is not installed, and ATTEST_REQUIRE_PROGRAMS names it"; \
    GTEST_SKIP() << program << " is not installed";                                   \
  }                                                                                   \
  static_assert(true)

}  // namespace attest::property_tests
