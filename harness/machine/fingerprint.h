#pragma once

#include <string>
#include <vector>

namespace attest::harness {

struct TargetState {
  std::string name;
  bool usable = false;
  std::string reason;
};

/// The machine and the build that a run's numbers belong to.
struct Fingerprint {
  std::string attest_version;
  std::string cpu;               ///< the model's name with the processor's family and model, "unknown" where they are
  std::string operating_system;  ///< "Linux 6.1.0 x86_64"
  std::string compiler;
  std::string build_type;
  int threads = 0;
  std::vector<TargetState> targets;
  std::string chosen_target;  ///< what a user of the optimized layer would get
};

/// Throws InputError if ATTEST_TARGET is set to something that cannot be had.
Fingerprint environment_fingerprint();

}  // namespace attest::harness
