#pragma once

#include <set>
#include <string>

#include "harness/explain/residual.h"

namespace attest::harness::explain {

/// "0..3, 7": integers as ranges.
std::string ranges_text(const std::set<std::int64_t>& values);

/// What the axes of a stage's tensor count, the last one left out: "sample", "head", "token" for attention.
std::vector<std::string> axis_names(Stage stage);

/// Which rows are outside, by the words of their axes: "all rows", or "the rows of head 2, token 3..7".
std::string region_text(const Residual& residual);

/// The facts when nothing explains them: rows and columns that are outside, and how far.
std::string pattern_text(const Residual& residual);

}  // namespace attest::harness::explain
