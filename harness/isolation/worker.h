#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace attest::harness {

struct WorkerRequest {
  std::filesystem::path library;
  std::string option;
  std::vector<std::filesystem::path> hidden;  ///< files and folders that the library may not read
};

/// The life of a worker process: loads the library, greets, then answers calls until the harness is gone. Returns the
/// exit code of the process.
int run_worker(int socket, const WorkerRequest& request);

}  // namespace attest::harness
