#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "harness/judge/confinement.h"

/// What keeps a library under test to the memory of its calls. A worker confines itself for good.
namespace attest::harness {

/// Before the library is loaded, for that and for all that comes: no process is started, signalled or looked into, no
/// socket opened, no memory shared, no file written and none of `hidden` read.
Confinement confine_to_one_process(const std::vector<std::filesystem::path>& hidden,
                                   const std::filesystem::path& library);

/// After it is loaded: no file is opened, made or changed; descriptors from the time of loading are closed. A file of
/// /proc or /sys is refused with an error, as C libraries look there for the machine and do without; for any other the
/// process ends with a sentence (refusal.h).
void confine_to_memory(const Confinement& in_force);

/// Memory that it keeps in common with a file or with somebody: a name for it; empty if there is none.
std::string memory_shared_with_others();

}  // namespace attest::harness
