#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "fixtures/stage_inputs.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// Which keys each token sees, and what is added to its scaled scores: arrays [b|1, n_h|1, s_x|1, s_k|1], of which an
/// axis of extent 1 stands for all.
template <class T>
struct AttentionMask {
  Array<bool> visible;
  std::optional<Array<T>> bias = {};  ///< only with a float mask
  std::optional<Array<T>> kept = {};  ///< only with dropout: the factor of each weight, 0 or 1 / (1 - p)
};

/// An element of such an array.
template <class T>
T broadcast_element(const Array<T>& values, std::int64_t b, std::int64_t h, std::int64_t i, std::int64_t j) {
  const auto along = [&](std::size_t axis, std::int64_t index) { return values.shape(axis) == 1 ? 0 : index; };
  return values(along(0, b), along(1, h), along(2, i), along(3, j));
}

/// Samples of a call, and the tokens that are looked at in each of them; both ascending.
struct MaskRows {
  std::vector<std::int64_t> samples, tokens;
};

/// All of them.
MaskRows all_rows(std::int64_t b, std::int64_t s_x);

/// These rows of a mask that broadcasts to the whole call's [b, n_h, s_x, s_k], or of none; nothing is made of other
/// rows. A float mask of -inf hides its key. `is_causal` (never with a mask) is top-left aligned: token i sees keys
/// 0..i, whatever s_k is. torchtune attention_utils.py and torch's SDPA
template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, const MaskRows& rows, std::int64_t s_k);

/// The same of an attention alone, with what its dropout keeps.
template <class T>
AttentionMask<T> attention_mask(const AttentionInputs& inputs, const MaskRows& rows);

/// [samples, n_h, tokens, s_k]: keep / (1 - p), what dropout multiplies the weights of these rows with; 0 where p is 1.
template <class T>
Array<T> kept_weights(const Tensor& keep, double p, const MaskRows& rows);

}  // namespace attest::reference
