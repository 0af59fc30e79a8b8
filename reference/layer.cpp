#include "reference/layer.h"

#include "fixtures/layer_shapes.h"
#include "fixtures/modules.h"

namespace attest::reference {

template <class T>
Layer<T>::Layer(const LayerSpec& spec)
    : config(spec.config),
      pos_embeddings(rotary_embedding<T>(config.pos_embeddings, spec.tables ? &*spec.tables : nullptr, config.dtype)) {
  for (const auto& [stage, name, projection] : kProjections) {
    projections.emplace(stage, linear_parameters<T>(config.*projection, spec.weights, name));
  }
  for (const auto& [stage, name, norm] : kNorms) {
    if (!normalises(config.*norm)) continue;
    norms.emplace(stage, rms_norm_parameters<T>(config.*norm, spec.weights.at(std::string(name) + ".scale")));
  }
}

template struct Layer<float>;
template struct Layer<double>;

}  // namespace attest::reference
