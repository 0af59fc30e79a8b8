#pragma once

#include <fenv.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <string>

namespace attest::harness {

/// What a call must leave as it found it: how this thread computes, its signals, limits, the current folder, the mask
/// of new files.
class ProcessState {
 public:
  ProcessState();  ///< as it is now

  /// "left the rounding mode changed": what is different now; empty if nothing is.
  std::string changed() const;

 private:
  fenv_t arithmetic_{};
  sigset_t blocked_{};
  std::array<struct sigaction, NSIG> handlers_{};
  std::array<rlimit, RLIM_NLIMITS> limits_{};
  struct stat folder_ {};
  mode_t mask_{};
};

}  // namespace attest::harness
