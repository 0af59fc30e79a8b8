#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "harness/coverage/combinations.h"

namespace attest::harness {

/// Rows in which every combination occurs (harness/coverage/combinations.h) that may. The same on every machine.
/// Greedy: a row begins with a triple or pair that is missing and takes, dimension by dimension, the value that
/// completes most others; as little work as that allows.
std::vector<CoverageRow> covering_array();

/// Which combinations occur in some rows, of those that may.
struct Coverage {
  struct Count {
    std::int64_t covered = 0, possible = 0;
  };
  struct Absent {
    std::string what;    ///< "keys=4097, path=self"
    std::string reason;  ///< why no row may have it, or "" where one might
  };
  std::array<Count, 3> counts;   ///< by Combination::Kind
  std::vector<Absent> holes;     ///< may occur and do not
  std::vector<Absent> left_out;  ///< may not

  const Count& of(Combination::Kind kind) const { return counts[static_cast<std::size_t>(kind)]; }
};

Coverage coverage_of(const std::vector<CoverageRow>& rows);

}  // namespace attest::harness
