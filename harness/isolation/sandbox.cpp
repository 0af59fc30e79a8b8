#include "harness/isolation/sandbox.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

#include "harness/isolation/landlock.h"
#include "harness/isolation/seccomp.h"
#include "harness/isolation/worker_channel.h"

/// Of AddressSanitizer, where the program is built with it.
extern "C" void __lsan_do_leak_check() __attribute__((weak));

namespace attest::harness {
namespace {

void close_all_but_the_channel() {
  constexpr auto kEvery = ~0U;
  ::syscall(SYS_close_range, kWorkerChannel + 1, kEvery, 0);
}

}  // namespace

Confinement confine_to_one_process(const std::vector<std::filesystem::path>& hidden,
                                   const std::filesystem::path& library) {
  close_all_but_the_channel();
  const char* wanted = std::getenv("ATTEST_SANDBOX");
  if (wanted != nullptr && std::strcmp(wanted, "off") == 0) return {"ATTEST_SANDBOX=off", "ATTEST_SANDBOX=off"};
  // Looking for leaks takes a process of its own, and is done once: now, where one may still be started.
  if (__lsan_do_leak_check != nullptr) __lsan_do_leak_check();
  Confinement confinement;
  confinement.landlock = allow_reading_all_but(hidden, library);
  confinement.seccomp = forbid(Forbidden::other_processes);
  return confinement;
}

void confine_to_memory(const Confinement& in_force) {
  close_all_but_the_channel();
  if (in_force.landlock.empty()) forbid_every_file();
  if (in_force.seccomp.empty()) forbid(Forbidden::files);
}

std::string memory_shared_with_others() {
  std::ifstream maps("/proc/self/smaps");
  std::string line, name;
  while (std::getline(maps, line)) {
    std::istringstream words(line);
    std::string first, word;
    words >> first;
    if (first.back() != ':') {
      name.clear();
      for (int column = 1; column < 5; ++column) words >> word;
      std::getline(words >> std::ws, name);
    } else if (first == "VmFlags:") {
      while (words >> word) {
        if (word == "sh") return name.empty() ? "memory without a name" : name;
      }
    }
  }
  return "";
}

}  // namespace attest::harness
