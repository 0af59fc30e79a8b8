#pragma once

#include <compare>
#include <string>
#include <vector>

#include "harness/explain/attention_model.h"

/// Which keys of one row were left out, counted twice or seen alone: what is searched for, not listed as a formula.
namespace attest::harness::explain {

/// Keys `first`..`last` of one row were miscounted, as `id` says.
struct Miscount {
  std::string id;
  std::int64_t first = 0, last = 0;
  auto operator<=>(const Miscount&) const = default;
};

/// One that explains a row, and how well.
struct Candidate {
  Miscount miscount;
  Nearness nearness;
};

struct ExplainedRow {
  reference::RowIndex at;
  std::int64_t first_seen, last_seen;  ///< keys
  std::vector<Candidate> by;           ///< every miscount that explains the row, in order of the miscounts
  double tried;                        ///< how many were tried: a search finds something by chance
};

ExplainedRow explained_by_keys(const AttentionModel& right, const Residual& residual, std::int64_t row);

}  // namespace attest::harness::explain
