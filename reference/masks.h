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

/// Consecutive samples of a call, and of each the same consecutive tokens.
struct MaskRows {
  std::int64_t first_sample = 0, samples = 1;
  std::int64_t first_token = 0, tokens = 1;
};

/// These rows [samples, tokens, s_k] of a mask that broadcasts to the whole call, or of none. A float mask of -inf
/// hides its key. `is_causal` (never with a mask) is top-left aligned: token i sees keys 0..i, whatever s_k is.
/// torchtune attention_utils.py and torch's SDPA
template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, const MaskRows& rows, std::int64_t s_k);

/// All rows of a call.
template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, std::int64_t b, std::int64_t s_x, std::int64_t s_k) {
  return attention_mask<T>(mask, is_causal, MaskRows{0, b, 0, s_x}, s_k);
}

}  // namespace attest::reference
