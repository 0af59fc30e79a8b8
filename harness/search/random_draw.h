#pragma once

#include <cstdint>

#include "harness/search/drawn_question.h"

namespace attest::harness {

/// Question `index` of the endless list that belongs to a seed, the same on every machine. Most are a draw over the
/// dimensions of the covering array (harness/coverage/dimensions.h), judged against its truth; every third is a law, in
/// turn, on a small layer with rotary embedding, norm, bias and cache.
DrawnQuestion random_question(std::uint64_t seed, std::uint64_t index);

}  // namespace attest::harness
