#include "harness/isolation/process_state.h"

#include <algorithm>
#include <cstring>

namespace attest::harness {
namespace {

#if defined(__x86_64__)
/// Of the register that SSE and AVX obey: what does not only record that something was inexact.
std::string arithmetic_changed(const fenv_t& before, const fenv_t& now) {
  constexpr unsigned kRounding = 0x6000, kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040, kTraps = 0x1F80;
  const unsigned changed = before.__mxcsr ^ now.__mxcsr;
  if ((changed & kRounding) != 0) return "left the rounding mode changed";
  if ((changed & kFlushToZero) != 0) return "left flush to zero changed";
  if ((changed & kDenormalsAreZero) != 0) return "left denormals-are-zero changed";
  if ((changed & kTraps) != 0) return "left the traps of floating point changed";
  return before.__control_word == now.__control_word ? "" : "left the control word of the x87 changed";
}
#else
std::string arithmetic_changed(const fenv_t& before, const fenv_t& now) {
  return std::memcmp(&before, &now, sizeof now) == 0 ? "" : "left the floating-point environment changed";
}
#endif

bool same_handler(const struct sigaction& one, const struct sigaction& other) {
  return one.sa_handler == other.sa_handler && one.sa_flags == other.sa_flags;
}

}  // namespace

ProcessState::ProcessState() {
  ::fegetenv(&arithmetic_);
  ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked_);
  for (int signal = 1; signal < NSIG; ++signal) {
    ::sigaction(signal, nullptr, &handlers_[static_cast<std::size_t>(signal)]);
  }
  for (std::size_t i = 0; i < limits_.size(); ++i) {
    ::getrlimit(static_cast<__rlimit_resource>(i), &limits_[i]);
  }
  ::stat(".", &folder_);
  mask_ = ::umask(0);
  ::umask(mask_);
}

std::string ProcessState::changed() const {
  const ProcessState now;
  if (std::string changed = arithmetic_changed(arithmetic_, now.arithmetic_); !changed.empty()) return changed;
  for (int signal = 1; signal < NSIG; ++signal) {
    const auto i = static_cast<std::size_t>(signal);
    if (::sigismember(&blocked_, signal) != ::sigismember(&now.blocked_, signal)) {
      return std::string("left the signal mask changed: ") + ::strsignal(signal);
    }
    if (!same_handler(handlers_[i], now.handlers_[i])) {
      return std::string("left the handling of a signal changed: ") + ::strsignal(signal);
    }
  }
  const auto same_limit = [](const rlimit& one, const rlimit& other) {
    return one.rlim_cur == other.rlim_cur && one.rlim_max == other.rlim_max;
  };
  if (!std::ranges::equal(limits_, now.limits_, same_limit)) return "left a resource limit changed";
  const bool same_folder = folder_.st_ino == now.folder_.st_ino && folder_.st_dev == now.folder_.st_dev;
  if (!same_folder) return "left the current folder changed";
  return mask_ == now.mask_ ? "" : "left the mask of new files changed";
}

}  // namespace attest::harness
