#include "reference/values.h"

#include <utility>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"

namespace attest::reference {

template <class T>
Array<T> Values<T>::keep(Stage stage, Array<T> value) {
  Array<T> stored = rounded_to(layer_.config.dtype, value);
  stages_[stage] = std::move(value);
  return stored;
}

template <class T>
Array<T> Values<T>::x() const {
  return to_array<T>(inputs_.x);
}

template <class T>
Array<T> Values<T>::y() const {
  return to_array<T>(*key_value_input(inputs_));
}

template <class T>
Array<T> Values<T>::linear(Stage stage, const Array<T>& x) {
  return keep(stage, reference::linear(x, layer_.projections.at(stage)));
}

template <class T>
Array<T> Values<T>::split_heads(const Array<T>& x, std::int64_t n) const {
  return reference::split_heads(x, n);
}

template <class T>
Array<T> Values<T>::rotary(Stage stage, const Array<T>& x) {
  return keep(stage, reference::rotary(x, rotation(x)));
}

template <class T>
Array<T> Values<T>::transpose_1_2(const Array<T>& x) const {
  return reference::transpose_1_2(x);
}

template <class T>
Array<T> Values<T>::norm(Stage stage, const Array<T>& x) {
  return keep(stage, rms_norm(x, layer_.norms.at(stage)));
}

template <class T>
void Values<T>::update_cache(const Array<T>& k, const Array<T>& v) {
  cache_->update(k, v);
}

template <class T>
Array<T> Values<T>::cache(Stage stage) {
  return keep(stage, stage == Stage::k_cache ? cache_->k_cache() : cache_->v_cache());
}

template <class T>
Array<T> Values<T>::attention(const Array<T>& q, const Array<T>& k, const Array<T>& v) {
  return keep(Stage::attention, reference::attention(attention_call(q, k, v)));
}

template <class T>
Array<T> Values<T>::join_heads(const Array<T>& x) const {
  return reference::join_heads(x);
}

template <class T>
Rotation<T> Values<T>::rotation(const Array<T>& x) const {
  return rotation_at(*layer_.pos_embeddings, inputs_.input_pos ? &*inputs_.input_pos : nullptr, extent(x, 0),
                     extent(x, 1));
}

template <class T>
AttentionCall<T> Values<T>::attention_call(const Array<T>& q, const Array<T>& k, const Array<T>& v) const {
  const Config& config = layer_.config;
  const MaskRows rows = all_rows(extent(q, 0), extent(q, 2));
  auto mask = attention_mask<T>(inputs_.mask, attends_causally(config, inputs_), rows, extent(k, 2));
  if (inputs_.keep) mask.kept = kept_weights<T>(*inputs_.keep, config.attn_dropout, rows);
  return {q, k, v, std::move(mask), score_scale(config.scale, extent(q, 3))};
}

template class Values<float>;
template class Values<double>;

}  // namespace attest::reference
