#pragma once

#include "harness/explain/residual.h"
#include "harness/verdict/judgement.h"

namespace attest::harness::explain {

/// What needs no hypothesis: memory that was never written, rows that are zero.
std::vector<Finding> certain_facts(const Tensor& got, const Residual& residual);

/// What the values alone show, whatever the stage computes: rows that are NaN, scaled, or another row's truth.
std::vector<Finding> certain_patterns(const Residual& residual, const std::vector<std::int64_t>& rows);

/// What only hints at a cause, for when no formula fits: errors in the last columns or rows, growing with the position,
/// or of one relative size everywhere.
std::vector<Finding> vague_patterns(const Residual& residual);

}  // namespace attest::harness::explain
