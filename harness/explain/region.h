#pragma once

#include <string>
#include <vector>

#include "harness/explain/residual.h"

namespace attest::harness::explain {

/// What the axes of a stage's tensor count, the last one left out: "sample", "head", "token" for attention.
std::vector<std::string> axis_names(Stage stage);

/// Which rows are outside, by the words of their axes: "all rows", or "the rows of head 2, token 3..7".
std::string region_text(const Residual& residual);

/// The facts when nothing explains them: rows and columns that are outside, and how far.
std::string pattern_text(const Residual& residual);

}  // namespace attest::harness::explain
