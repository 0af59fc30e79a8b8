#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/work_item.h"

/// torchtune itself, doing the same work in a Python process that answers one request at a time.
namespace attest::harness {

struct PeerTimes {
  double cold = 0.0;  ///< seconds of the first run after the request
  double warm = 0.0;  ///< of the one that follows
};

class PeerProcess {
 public:
  /// Starts scripts/exporter/peer.py and waits until its layer stands. Throws InputError with the reason: no Python
  /// environment (ATTEST_PYTHON, or .venv as scripts/regenerate makes it), or what Python said.
  PeerProcess(std::string_view layer, const WorkItem& item, int threads);
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  PeerTimes repeat();
  /// The output's rows of these tokens, one after the other.
  std::vector<float> output_rows(const std::vector<std::int64_t>& tokens);
  const std::string& versions() const { return versions_; }

 private:
  /// Sends a line of JSON and returns the answer's.
  std::string ask(const std::string& line);

  pid_t child_ = -1;
  int socket_ = -1;
  std::string versions_;
};

/// Throws InputError if there is no interpreter, before any work begins.
std::string peer_interpreter();

}  // namespace attest::harness
