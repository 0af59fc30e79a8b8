#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "fixtures/case.h"
#include "optimized/packed_linear.h"

namespace attest::optimized {

/// RMSNorm's parameters; without a norm the scale is empty.
struct NormSettings {
  NormSettings(const Norm& norm, const LayerSpec& layer, const std::string& name);
  const float* scale_or_null() const { return scale.empty() ? nullptr : scale.data(); }

  std::vector<float> scale;
  float eps = 0;
};

/// A layer as the kernels want it: everything that is made once, at construction, and never changes.
struct PackedLayer {
  /// Throws InputError as torchtune's constructor would, or for a gap.
  PackedLayer(const LayerSpec& layer, const Execution<float>& execution);

  Execution<float> execution;
  LayerSpec spec;  ///< without its weights
  std::size_t head_dim;
  PackedLinear<float> q_proj, k_proj, v_proj, output_proj;
  NormSettings q_norm, k_norm;
};

}  // namespace attest::optimized
