#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "harness/draw/drawn_case.h"

/// The input families of drawn cases: fixtures/family.h says what each one catches.
namespace attest::harness {

/// The numbers of some tokens' heads, row-major [b, s, n, h_d], in double; rounded once when they become a tensor.
struct HeadValues {
  std::int64_t b = 0, s = 0, n = 0, h_d = 0;
  std::vector<double> values;

  HeadValues(std::int64_t samples, std::int64_t tokens, std::int64_t heads, std::int64_t head_dim)
      : b(samples), s(tokens), n(heads), h_d(head_dim), values(static_cast<std::size_t>(b * s * n * h_d)) {}
  double& at(std::int64_t sample, std::int64_t token, std::int64_t head, std::int64_t channel) {
    return values[static_cast<std::size_t>(((sample * s + token) * n + head) * h_d + channel)];
  }
};

/// What attention sees, over the tokens of all calls together.
struct SelectedInputs {
  HeadValues q;     ///< [b, s_x, n_h, h_d]
  HeadValues k, v;  ///< [b, key_tokens, n_kv, h_d]
};

/// The real keys that token i of a sample sees, ascending.
using VisibleKeys = std::function<std::vector<std::int64_t>(std::int64_t sample, std::int64_t token)>;

struct InputFamily {
  std::string_view name;
  /// Says what attention sees; null: random x, y and weights.
  void (*select)(SelectedInputs& inputs, const CaseDraw& draw, const VisibleKeys& visible) = nullptr;
  bool steers_logits = false;         ///< no rotary embedding or norm may come between
  bool hides_odd_keys = false;        ///< the mask does, in every row; some rows see nothing
  bool key_for_each_channel = false;  ///< no more keys than channels
  bool equal_weights = false;         ///< every key visible, a power of two of them
  bool outside_float16 = false;       ///< its numbers are: beyond 65504, or too small
  bool nan_in_weights = false;        ///< one NaN in one projection's weight
  bool poisons_hidden_keys = false;   ///< NaN and infinity in the hidden tokens of y

  bool selects() const { return select != nullptr; }
};

/// Throws InputError listing the families that can be drawn.
const InputFamily& input_family(std::string_view name);

}  // namespace attest::harness
