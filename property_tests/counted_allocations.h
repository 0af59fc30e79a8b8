#pragma once

#include <cstddef>
#include <string>

namespace attest {

/// Why allocations cannot be counted in this build, or an empty string.
std::string no_counting();

/// Blocks of memory that anything in this program, any thread and any library of it, has asked the heap for.
std::size_t allocations();

}  // namespace attest
