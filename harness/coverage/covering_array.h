#pragma once

#include <string>
#include <vector>

#include "harness/coverage/dimensions.h"

namespace attest::harness {

/// Rows in which every pair of values occurs that may occur together, and every triple of mask, size class and regime.
/// The same on every machine. Greedy: a row begins with a triple or pair that is missing and takes, dimension by
/// dimension, the value that completes most others; as little work as that allows.
std::vector<CoverageRow> covering_array();

/// Which pairs and triples occur in some rows, of those that may.
struct Coverage {
  struct Hole {
    std::string what;    ///< "keys=4097 path=self"
    std::string reason;  ///< why no row may have it, or "" where one might
  };
  std::int64_t pairs = 0, possible_pairs = 0;
  std::int64_t triples = 0, possible_triples = 0;
  std::vector<Hole> holes;     ///< may occur and does not
  std::vector<Hole> excluded;  ///< may not
};

Coverage coverage_of(const std::vector<CoverageRow>& rows);

}  // namespace attest::harness
