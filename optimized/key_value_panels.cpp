#include "optimized/key_value_panels.h"

#include <algorithm>

namespace attest::optimized {

template <class Element>
std::size_t KeyValuePanels<Element>::size_of_head(const Kernels<Element>& kernels, const HeadShape& shape) {
  return kernels.keys_size(shape) + kernels.values_size(shape);
}

template <class Element>
void KeyValuePanels<Element>::place(const Portion& portion, const HeadShape& shape, Element* memory) {
  portion_ = portion;
  shape_ = shape;
  memory_ = memory;
  key_size_ = kernels_.keys_size(shape);
  value_size_ = kernels_.values_size(shape);
  if (heads() > flags_) {
    flags_ = heads();
    not_finite_ = std::make_unique<std::atomic<bool>[]>(flags_);
  }
  expect_finite();
}

template <class Element>
void KeyValuePanels<Element>::expect_finite() {
  for (std::size_t i = 0; i < heads(); ++i) not_finite_[i].store(false, std::memory_order_relaxed);
}

template <class Element>
void KeyValuePanels<Element>::clear() {
  std::fill_n(memory_, heads() * (key_size_ + value_size_), Element{});
  expect_finite();
}

template <class Element>
void KeyValuePanels<Element>::store_key(std::size_t sample, std::size_t head, std::size_t token, const float* row) {
  kernels_.store_key(row, token, shape_, keys_at(index(sample, head)));
}

template <class Element>
void KeyValuePanels<Element>::store_value(std::size_t sample, std::size_t head, std::size_t token, const float* row) {
  const std::size_t i = index(sample, head);
  if (!kernels_.store_value(row, token, shape_, values_at(i))) not_finite_[i].store(true, std::memory_order_relaxed);
}

template <class Element>
void KeyValuePanels<Element>::store(const Tensor& k, const Tensor& v, std::size_t first_slot) {
  const auto tokens = static_cast<std::size_t>(k.dim(2));
  const float* keys = k.as<float>().data();
  const float* values = v.as<float>().data();
  const auto& [samples, heads_stored] = portion_;
  for (std::size_t i = 0; i < heads() * tokens; ++i) {
    const std::size_t slot = first_slot + i % tokens, of_all = i / tokens;
    const std::size_t head = heads_stored.first + of_all % heads_stored.count;
    const std::size_t sample = samples.first + of_all / heads_stored.count;
    store_key(sample, head, slot, keys + i * shape_.head_dim);
    store_value(sample, head, slot, values + i * shape_.head_dim);
  }
}

template <class Element>
const Element* KeyValuePanels<Element>::keys(std::size_t sample, std::size_t head) const {
  return keys_at(index(sample, head));
}

template <class Element>
const Element* KeyValuePanels<Element>::values(std::size_t sample, std::size_t head) const {
  return values_at(index(sample, head));
}

template <class Element>
bool KeyValuePanels<Element>::values_finite(std::size_t sample, std::size_t head) const {
  return !not_finite_[index(sample, head)].load(std::memory_order_relaxed);
}

template <class Element>
template <class Load>
Tensor KeyValuePanels<Element>::tensor_of(const Load& load) const {
  const auto extent = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  Tensor tensor(DType::float32, {extent(portion_.samples.count), extent(portion_.heads.count), extent(shape_.capacity),
                                 extent(shape_.head_dim)});
  float* row = tensor.as<float>().data();
  for (std::size_t i = 0; i < heads(); ++i) {
    for (std::size_t token = 0; token < shape_.capacity; ++token, row += shape_.head_dim) load(i, token, row);
  }
  return tensor;
}

template <class Element>
Tensor KeyValuePanels<Element>::keys_tensor() const {
  return tensor_of(
      [&](std::size_t i, std::size_t token, float* row) { kernels_.load_key(keys_at(i), token, shape_, row); });
}

template <class Element>
Tensor KeyValuePanels<Element>::values_tensor() const {
  return tensor_of(
      [&](std::size_t i, std::size_t token, float* row) { kernels_.load_value(values_at(i), token, shape_, row); });
}

template class KeyValuePanels<float>;

}  // namespace attest::optimized
