#pragma once

#include "harness/explain/hypothesis.h"
#include "harness/explain/stage_failure.h"

namespace attest::harness::explain {

/// What only the whole layer can get wrong: a projection of another input or by another weight, heads not transposed
/// back, the norm before the rotary embedding, rotated values, cache slots misplaced. `failure.item` is given.
Hypotheses layer_hypotheses(const StageFailure& failure);

/// Where the keys or values of each call are stored. `failure.stage` is k_cache or v_cache.
Hypotheses cache_hypotheses(const StageFailure& failure);

}  // namespace attest::harness::explain
