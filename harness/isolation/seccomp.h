#pragma once

#include <string>

/// The system calls that a worker does without, refused by the kernel (seccomp).
namespace attest::harness {

enum class Forbidden {
  other_processes,  ///< starting one, signals to it, its memory, sockets, System V's shared memory
  files,            ///< opening, making, changing, renaming
};

/// For every thread of this process and for good. What is forbidden ends the process with a sentence (refusal.h), but
/// for a file of /proc or /sys, which cannot be opened. Empty, or why it is not in force.
std::string forbid(Forbidden what);

}  // namespace attest::harness
