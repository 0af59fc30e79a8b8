#pragma once

#include <string>

namespace attest::harness {

/// How somebody under test is kept away from the harness. Of each means: empty if it is in force, else why not: the
/// kernel lacks it, or ATTEST_SANDBOX=off.
struct Confinement {
  std::string seccomp;
  std::string landlock;
  bool operator==(const Confinement&) const = default;
};

}  // namespace attest::harness
