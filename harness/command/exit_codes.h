#pragma once

#include <string_view>

/// What a command ends with where it is not 0.
namespace attest::harness {

inline constexpr int kExitFailed = 1;         ///< something that was judged failed
inline constexpr int kExitUsage = 2;          ///< wrong arguments, or files that cannot be used
inline constexpr int kExitInterrupted = 130;  ///< Ctrl-C

/// Of a run by the status in its report.
constexpr int exit_code_of(std::string_view status) {
  if (status == "interrupted") return kExitInterrupted;
  return status == "passed" ? 0 : kExitFailed;
}

}  // namespace attest::harness
