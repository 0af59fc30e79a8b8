#include "reference/multi_head_attention.h"

#include "fixtures/layer_program.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"
#include "reference/values.h"

namespace attest::reference {
namespace {

/// What validate_call needs of a layer: everything but the weights, which are held as T.
LayerSpec without_weights(const LayerSpec& spec) { return {spec.config, {}, spec.tables}; }

const LayerSpec& validated(const LayerSpec& spec) {
  validate_layer(spec);
  return spec;
}

}  // namespace

template <class T>
struct MultiHeadAttention<T>::State {
  explicit State(const LayerSpec& given)
      : spec(without_weights(validated(given))), layer(given), cache(empty_cache<T>(given.config)) {}

  LayerSpec spec;
  Layer<T> layer;
  std::optional<KVCacheState<T>> cache;
};

template <class T>
MultiHeadAttention<T>::MultiHeadAttention(const LayerSpec& layer) : state_(std::make_unique<State>(layer)) {}

template <class T>
MultiHeadAttention<T>::~MultiHeadAttention() = default;

template <class T>
Stages MultiHeadAttention<T>::forward(const Inputs& inputs) {
  auto& cache = state_->cache;
  validate_call(state_->spec, inputs, cache ? cache->filled() : 0);
  Values<T> values(state_->layer, cache, inputs);
  run_layer(values, state_->spec.config, inputs);
  Stages stages;
  for (const auto& [stage, value] : values.stages()) {
    stages[stage] = to_tensor(value, state_->spec.config.dtype);
  }
  return stages;
}

template <class T>
void MultiHeadAttention<T>::reset_cache() {
  state_->cache = empty_cache<T>(state_->spec.config);
}

template <class T>
void MultiHeadAttention<T>::fill_cache(const Tensor& k, const Tensor& v) {
  state_->cache.value().update(to_array<T>(k), to_array<T>(v));
}

template class MultiHeadAttention<float>;
template class MultiHeadAttention<double>;

}  // namespace attest::reference
