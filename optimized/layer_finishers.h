#pragma once

#include <span>

#include "optimized/head_projection.h"
#include "optimized/packed_layer.h"

/// What a layer makes of its projected heads, for one call. If `stages` is given, it receives what torchtune's modules
/// return on the way. `at` [b, s] are the tokens' positions, where the layer has a rotary embedding.
namespace attest::optimized {

/// A new stage tensor, or null where nobody asked.
float* stage(Stages* stages, Stage name, bool exists, std::initializer_list<std::int64_t> shape);

/// Of x [b, s_x, d].
HeadFinishing query_finishing(const PackedLayer& layer, const Tensor& x, std::span<const std::int64_t> at,
                              Stages* stages);
/// Of y [b, s_y, d].
HeadFinishing key_finishing(const PackedLayer& layer, const Tensor& y, std::span<const std::int64_t> at,
                            Stages* stages);
HeadFinishing value_finishing(const PackedLayer& layer, const Tensor& y, Stages* stages);

}  // namespace attest::optimized
