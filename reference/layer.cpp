#include "reference/layer.h"

#include <string_view>

namespace attest::reference {
namespace {

const Tensor* find(const Weights& weights, std::string_view name) {
  const auto found = weights.find(name);
  return found == weights.end() ? nullptr : &found->second;
}

}  // namespace

template <class T>
Layer<T>::Layer(const LayerSpec& spec)
    : config(spec.config),
      q_proj(linear_parameters<T>(config.q_proj, spec.weights, "q_proj")),
      k_proj(linear_parameters<T>(config.k_proj, spec.weights, "k_proj")),
      v_proj(linear_parameters<T>(config.v_proj, spec.weights, "v_proj")),
      output_proj(linear_parameters<T>(config.output_proj, spec.weights, "output_proj")),
      pos_embeddings(rotary_embedding<T>(config.pos_embeddings, spec.tables ? &*spec.tables : nullptr, config.dtype)),
      q_norm(rms_norm_parameters<T>(config.q_norm, find(spec.weights, "q_norm.scale"))),
      k_norm(rms_norm_parameters<T>(config.k_norm, find(spec.weights, "k_norm.scale"))) {}

template struct Layer<float>;
template struct Layer<double>;

}  // namespace attest::reference
