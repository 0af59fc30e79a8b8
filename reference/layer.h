#pragma once

#include <map>
#include <optional>

#include "reference/linear.h"
#include "reference/rms_norm.h"
#include "reference/rotary.h"

namespace attest::reference {

/// torchtune's MultiHeadAttention after its constructor: the configuration and every parameter as T. Projections and
/// norms by the stage that they compute.
template <class T>
struct Layer {
  explicit Layer(const LayerSpec& spec);

  Config config;
  std::map<Stage, LinearParameters<T>> projections;
  std::optional<RotaryEmbedding<T>> pos_embeddings;
  std::map<Stage, RMSNormParameters<T>> norms;  ///< those that the layer has
};

}  // namespace attest::reference
