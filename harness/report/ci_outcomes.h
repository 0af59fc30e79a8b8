#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

/// A report as services for continuous integration think of one: a list of things that passed or not.
namespace attest::harness {

struct CiOutcome {
  std::string group;
  std::string name;
  std::string status;   ///< "passed", "skipped", or what is wrong: "failed", "survived", ...
  std::string message;  ///< one line, of anything but a pass
  std::string details;  ///< what else there is to say, and the commands that show it again; may be empty
  double seconds = 0.0;

  bool is_trouble() const { return status != "passed" && status != "skipped"; }
};

/// One for each case and each requirement of `attest verify`, and for what everybody made of drawn questions; for each
/// work item of `attest profile`, kernel of `attest selftest`. Where the run as a whole did not pass, at least one is
/// trouble: nobody shall take half a run for a good one.
std::vector<CiOutcome> ci_outcomes(const nlohmann::ordered_json& document);

}  // namespace attest::harness
