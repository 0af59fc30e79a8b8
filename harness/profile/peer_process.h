#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "harness/profile/profiled_layer.h"

/// PyTorch, doing the same work in a Python process that answers one request at a time.
namespace attest::harness {

/// "torchtune": its module as shipped; "torch-best": the fastest plain PyTorch found (scripts/exporter/peer/).
inline constexpr std::string_view kPeers[] = {"torchtune", "torch-best"};

struct PeerTimes {
  double cold = 0.0;  ///< seconds of the first run after the request
  double warm = 0.0;  ///< of the one that follows
};

class PeerProcess {
 public:
  /// Starts scripts/exporter/peer/ and waits until its layer stands. Throws InputError with the reason: no Python
  /// environment (ATTEST_PYTHON, or .venv as scripts/regenerate makes it), or what Python said;
  /// Interrupted if Ctrl-C comes before an answer, as do the requests below.
  PeerProcess(std::string name, const ProfiledLayer& layer, const WorkItem& item, int threads);
  ~PeerProcess();
  PeerProcess(const PeerProcess&) = delete;
  PeerProcess& operator=(const PeerProcess&) = delete;

  PeerTimes repeat();
  /// The output's rows of these tokens, one after the other.
  std::vector<float> output_rows(const std::vector<std::int64_t>& tokens);
  const std::string& name() const { return name_; }
  const std::string& versions() const { return versions_; }

 private:
  /// Sends a line of JSON and returns the answer's.
  std::string ask(const std::string& line);
  [[noreturn]] void refuse(const std::string& why) const;

  std::string name_;
  pid_t child_ = -1;
  int socket_ = -1;
  std::string versions_;
};

/// Throws InputError if there is no such peer or no interpreter, before any work begins.
void check_peer(const std::string& name);

}  // namespace attest::harness
