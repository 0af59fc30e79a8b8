#pragma once

/// What a command ends with where it is not 0.
namespace attest::harness {

inline constexpr int kExitFailed = 1;         ///< something that was judged failed
inline constexpr int kExitUsage = 2;          ///< wrong arguments, or files that cannot be used
inline constexpr int kExitInterrupted = 130;  ///< Ctrl-C

}  // namespace attest::harness
