#include "harness/machine/fingerprint.h"

#include <sys/utsname.h>

#include <fstream>

#include "harness/machine/process_resources.h"
#include "optimized/target.h"

namespace attest::harness {
namespace {

/// What the first processor says of itself in /proc/cpuinfo, or "unknown".
std::string cpu_fact(std::string_view name) {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    const std::size_t colon = line.find(": ");
    if (colon != std::string::npos && line.substr(0, line.find('\t')) == name) return line.substr(colon + 2);
  }
  return "unknown";
}

/// A virtual machine's name may be no more than a brand's: "AMD EPYC" is five generations.
std::string cpu_model() {
  return cpu_fact("model name") + ", family " + cpu_fact("cpu family") + " model " + cpu_fact("model");
}

std::string operating_system() {
  utsname name = {};
  if (::uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release + " " + name.machine;
}

std::string compiler() {
#ifdef __clang__
  return "Clang " __clang_version__;
#else
  return "GCC " __VERSION__;
#endif
}

}  // namespace

Fingerprint environment_fingerprint() {
  Fingerprint found;
  found.attest_version = ATTEST_VERSION;
  found.cpu = cpu_model();
  found.operating_system = operating_system();
  found.compiler = compiler();
  found.build_type = ATTEST_BUILD_TYPE;
  found.threads = threads();
  for (const auto& status : optimized::targets()) {
    found.targets.push_back({std::string(name_of(status.target)), status.usable, status.reason});
  }
  found.chosen_target = name_of(optimized::choose_target());
  return found;
}

}  // namespace attest::harness
