#pragma once

#include <optional>

#include "reference/linear.h"
#include "reference/rms_norm.h"
#include "reference/rotary.h"

namespace attest::reference {

/// torchtune's MultiHeadAttention after its constructor: the configuration and every parameter as T.
template <class T>
struct Layer {
  explicit Layer(const LayerSpec& spec);

  Config config;
  LinearParameters<T> q_proj, k_proj, v_proj, output_proj;
  std::optional<RotaryEmbedding<T>> pos_embeddings;
  std::optional<RMSNormParameters<T>> q_norm, k_norm;
};

}  // namespace attest::reference
