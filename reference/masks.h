#pragma once

#include <cstdint>
#include <optional>

#include "fixtures/case.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// Which keys each token sees, and what is added to its scaled scores; the same for every head.
template <class T>
struct AttentionMask {
  Array<bool> visible;           ///< [b, s_x, s_k]
  std::optional<Array<T>> bias;  ///< [b, s_x, s_k], only with a float mask
};

/// A mask that broadcasts to [b, s_x, s_k], or none. A float mask of -inf hides its key. `is_causal` (never with a
/// mask) is top-left aligned: token i sees keys 0..i, whatever s_k is. torchtune attention_utils.py and torch's SDPA
template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, std::int64_t b, std::int64_t s_x, std::int64_t s_k);

}  // namespace attest::reference
