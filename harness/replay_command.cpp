#include "harness/replay_command.h"

namespace attest::harness {

std::string replay_command(const std::string& file, const Judged& judged) {
  std::string command = "attest verify --verbose " + file;
  if (judged.implementation != "torchtune" && judged.implementation != "truth") {
    command += " --implementation " + judged.implementation;
  }
  if (!judged.target.empty()) command += " --target " + judged.target;
  return command;
}

}  // namespace attest::harness
