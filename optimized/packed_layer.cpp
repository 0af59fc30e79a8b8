#include "optimized/packed_layer.h"

#include "fixtures/overloaded.h"
#include "fixtures/require.h"
#include "fixtures/validate.h"
#include "optimized/multi_head_attention.h"

namespace attest::optimized {
namespace {

const LayerSpec& checked(const LayerSpec& layer) {
  validate_layer(layer);
  const std::string reason = gap(layer);
  require(reason.empty(), "dtype", "a layer that the optimized implementation has", reason);
  return layer;
}

/// `unit` columns are never separated.
PackedLinear<float> packed(const Execution<float>& execution, const LayerSpec& layer, const std::string& name,
                           std::size_t unit) {
  const auto bias = layer.weights.find(name + ".bias");
  return {execution, layer.weights.find(name + ".weight")->second,
          bias == layer.weights.end() ? nullptr : &bias->second, unit};
}

}  // namespace

std::string gap(const LayerSpec& layer) {
  if (layer.config.dtype == DType::float32) return "";
  return "the optimized implementation has no " + std::string(name_of(layer.config.dtype)) + " kernels yet";
}

NormSettings::NormSettings(const Norm& norm, const LayerSpec& layer, const std::string& name) {
  std::visit(overloaded{[](const NoNorm&) {},
                        [&](const RMSNorm& rms) {
                          const auto values = layer.weights.find(name + ".scale")->second.as<float>();
                          scale.assign(values.begin(), values.end());
                          eps = static_cast<float>(rms.eps);
                        }},
             norm);
}

PackedLayer::PackedLayer(const LayerSpec& layer, const Execution<float>& its_execution)
    : execution(its_execution),
      spec{checked(layer).config, {}, layer.tables},
      head_dim(static_cast<std::size_t>(layer.config.head_dim)),
      q_proj(packed(execution, layer, "q_proj", head_dim)),
      k_proj(packed(execution, layer, "k_proj", head_dim)),
      v_proj(packed(execution, layer, "v_proj", head_dim)),
      output_proj(packed(execution, layer, "output_proj", 1)),
      q_norm(layer.config.q_norm, layer, "q_norm"),
      k_norm(layer.config.k_norm, layer, "k_norm") {}

}  // namespace attest::optimized
