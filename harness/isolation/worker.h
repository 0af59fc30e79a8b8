#pragma once

#include <string>

namespace attest::harness {

/// The life of a worker process: loads the library, greets, then answers calls until the harness is gone. Returns the
/// exit code of the process.
int run_worker(int socket, const std::string& library, const std::string& option);

}  // namespace attest::harness
