#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "harness/judge/implementation.h"

/// Anybody's shared library behind the C interface (attest_implementation.h) as an Implementation.
namespace attest::harness {

/// How a library is kept away from the harness.
struct Isolation {
  /// The `attest` program, which the worker process runs. Empty: this very program if it is attest, else
  /// ATTEST_COMMAND.
  std::filesystem::path command;
  std::chrono::seconds time_limit{60};             ///< of one call
  std::vector<std::filesystem::path> hidden = {};  ///< files and folders that it may not read: the answers
  bool show_output = false;  ///< what the library prints goes to standard error at once, all of it
};

/// "./k.so" or "./k.so#OPTION": what follows the last # is handed to the library. Its name() is that text.
///
/// Every call is made in a worker process; small ones with their buffers in each Placement. What is wrong with a call
/// (a crash, a write outside its buffers, no answer in time, an error returned) is a NoAnswer with its sentence, and
/// the next call goes on in a fresh process. So is a function that the library does not have: skipped. Throws
/// InputError for a library that cannot be loaded.
std::unique_ptr<Implementation> load_implementation(const std::string& path_and_option,
                                                    const Isolation& isolation = {});

}  // namespace attest::harness
