#pragma once

#include <functional>
#include <string>
#include <vector>

#include "harness/coverage/covering_array.h"
#include "harness/lineup/lineup.h"

/// The covering array, judged: what its rows came to for each implementation, and what they covered.
namespace attest::harness {

/// What became of the rows for one implementation.
struct CoverageTally {
  Judged judged;
  std::int64_t passed = 0, failed = 0, skipped = 0;  ///< rows
  double e = 0.0;                                    ///< the largest of a row that passed
  std::string line;                                  ///< of that row
};

struct CoverageRun {
  std::int64_t rows = 0;      ///< judged
  std::int64_t selected = 0;  ///< of the array
  Coverage coverage;          ///< of the rows that were judged
  std::vector<CoverageTally> tallies;
  std::vector<Result> failures;  ///< everything that did not pass; case_name is the draw's line
  std::vector<Result> skipped;   ///< one for each implementation and reason
  double seconds = 0.0;
};

/// Judges everybody in the lineup on every row. Ends early after Ctrl-C.
CoverageRun run_coverage(const Lineup& lineup,
                         const std::function<void(std::int64_t row, std::int64_t of)>& before_row);

/// Whether nothing failed and nothing was missed.
bool all_fine(const CoverageRun& run);

}  // namespace attest::harness
