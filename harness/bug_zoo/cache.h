#pragma once

#include <optional>

#include "harness/attest_implementation.h"
#include "harness/bug_zoo/recipe.h"
#include "harness/bug_zoo/tensors.h"

namespace attest::bug_zoo {

/// The first slot of this call's keys and values.
std::int64_t first_slot(const attest_layer& call, const Recipe& recipe);

/// Writes heads [b, n_kv, s_y, h_d] into `cache` [b, n_kv, slots, h_d].
void store(const DLTensor& heads, const DLTensor& cache, std::int64_t slot, const Recipe& recipe);

/// A copy of a mask over the cache's slots, wrongly edited where nothing is filled; none where the call's mask is used.
std::optional<Buffer> edited_mask(const attest_layer& call, std::int64_t filled, const Recipe& recipe);

}  // namespace attest::bug_zoo
