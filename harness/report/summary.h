#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "harness/run/run.h"

/// A run in a few numbers.
namespace attest::harness {

/// e over a set of stages. Both are 0 for an empty set.
struct Spread {
  std::size_t stages = 0;
  double median = 0.0;
  double max = 0.0;
  const Result* worst = nullptr;  ///< the result with the largest e; borrowed from the run
};

struct JudgedSummary {
  Judged judged;
  std::optional<Standing> standing;  ///< of implementations
  std::map<Status, std::size_t> counts;
  Spread localised;
  Spread end_to_end;
  std::size_t offered = 0;            ///< results about functions that it has
  std::size_t gaps = 0;               ///< of these, those that it declares a gap
  std::optional<double> peer_median;  ///< median over stages of T2's median ratio
  double share_more_accurate = 0.0;   ///< mean over rows of T2
};

struct Skips {
  std::size_t results = 0;
  std::set<std::string> judged;  ///< "optimized/avx2", ...
};

struct Summary {
  std::map<Status, std::size_t> cases;
  std::map<Status, std::size_t> results;
  std::map<std::string, Skips> skips;  ///< by reason
  std::vector<JudgedSummary> judged;
  Spread truth;  ///< of the agreement of the two float64 truths, as shares of what two float64 results may differ by
  std::size_t attentions = 0;               ///< judged alone, each counted once for all implementations
  const Result* least_sensitive = nullptr;  ///< of these, the one that the strongest mutation exceeds least; borrowed
  std::size_t marginal = 0;
  std::int64_t ill_conditioned_rows = 0;
};

Summary summarise(const Run& run);

}  // namespace attest::harness
