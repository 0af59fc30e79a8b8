#include "harness/machine/resident_memory.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <fstream>
#include <sstream>
#include <string>

namespace attest::harness {
namespace {

/// "5" makes the kernel forget the largest resident size seen so far. False where that is not offered.
bool forget_peak() {
  std::ofstream file("/proc/self/clear_refs");
  return bool(file << "5" << std::flush);
}

/// Bytes; `name` is "VmHWM:" (the largest so far) or "VmRSS:" (now).
std::int64_t resident(const std::string& name) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string key;
    std::int64_t kibibytes = 0;
    if (words >> key >> kibibytes && key == name) return kibibytes << 10;
  }
  return 0;
}

}  // namespace

std::optional<std::int64_t> memory_growth(const std::function<void()>& work) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
  const bool can_tell = forget_peak() && resident("VmHWM:") > 0;
  const std::int64_t before = resident("VmRSS:");
  work();
  if (!can_tell) return std::nullopt;
  return resident("VmHWM:") - before;
}

}  // namespace attest::harness
