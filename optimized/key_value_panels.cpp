#include "optimized/key_value_panels.h"

#include <algorithm>
#include <cstring>

namespace attest::optimized {
namespace {

std::size_t round_up(std::size_t count, std::size_t multiple) { return (count + multiple - 1) / multiple * multiple; }

}  // namespace

void KeyValuePanels::resize(const Portion& portion, std::size_t capacity, std::size_t head_dim) {
  portion_ = portion;
  capacity_ = capacity;
  head_dim_ = head_dim;
  key_floats_ = round_up(capacity, kernels_.panel_width) * head_dim;
  value_floats_ = round_up(head_dim, kernels_.panel_width) * capacity;
  keys_.reserve(panels() * key_floats_);
  values_.reserve(panels() * value_floats_);
  if (panels() > flags_) {
    flags_ = panels();
    not_finite_ = std::make_unique<std::atomic<bool>[]>(flags_);
  }
  for (std::size_t i = 0; i < panels(); ++i) not_finite_[i].store(false, std::memory_order_relaxed);
}

std::size_t KeyValuePanels::bytes_a_head(std::size_t capacity, std::size_t head_dim) const {
  const std::size_t width = kernels_.panel_width;
  return (round_up(capacity, width) * head_dim + round_up(head_dim, width) * capacity) * sizeof(float);
}

void KeyValuePanels::clear(std::size_t filled) {
  const std::size_t width = kernels_.panel_width;
  for (std::size_t i = 0; i < panels(); ++i) {
    std::memset(keys_.data() + i * key_floats_, 0, round_up(filled, width) * head_dim_ * sizeof(float));
    for (std::size_t column = 0; column < head_dim_; column += width) {
      std::memset(values_.data() + i * value_floats_ + column * capacity_, 0, filled * width * sizeof(float));
    }
    not_finite_[i].store(false, std::memory_order_relaxed);
  }
}

void KeyValuePanels::store_key(std::size_t sample, std::size_t head, std::size_t token, const float* row) {
  const std::size_t width = kernels_.panel_width;
  float* panel = keys_.data() + index(sample, head) * key_floats_ + token / width * width * head_dim_;
  kernels_.store_key(row, head_dim_, panel + token % width);
}

void KeyValuePanels::store_value(std::size_t sample, std::size_t head, std::size_t token, const float* row) {
  const std::size_t i = index(sample, head);
  float* element = values_.data() + i * value_floats_ + token * kernels_.panel_width;
  if (!kernels_.store_value(row, head_dim_, element, value_panel_stride())) {
    not_finite_[i].store(true, std::memory_order_relaxed);
  }
}

void KeyValuePanels::store(const Tensor& k, const Tensor& v, std::size_t first_slot) {
  const auto tokens = static_cast<std::size_t>(k.dim(2));
  const float* keys = k.as<float>().data();
  const float* values = v.as<float>().data();
  const auto& [samples, heads] = portion_;
  for (std::size_t i = 0; i < panels() * tokens; ++i) {
    const std::size_t slot = first_slot + i % tokens, panel = i / tokens;
    const std::size_t head = heads.first + panel % heads.count, sample = samples.first + panel / heads.count;
    store_key(sample, head, slot, keys + i * head_dim_);
    store_value(sample, head, slot, values + i * head_dim_);
  }
}

const float* KeyValuePanels::keys(std::size_t sample, std::size_t head) const {
  return keys_.data() + index(sample, head) * key_floats_;
}

const float* KeyValuePanels::values(std::size_t sample, std::size_t head) const {
  return values_.data() + index(sample, head) * value_floats_;
}

bool KeyValuePanels::values_finite(std::size_t sample, std::size_t head) const {
  return !not_finite_[index(sample, head)].load(std::memory_order_relaxed);
}

template <class Element>
Tensor KeyValuePanels::tensor_of(const Element& element) const {
  const auto extent = [](std::size_t count) { return static_cast<std::int64_t>(count); };
  Tensor tensor(DType::float32,
                {extent(portion_.samples.count), extent(portion_.heads.count), extent(capacity_), extent(head_dim_)});
  float* out = tensor.as<float>().data();
  for (std::size_t i = 0; i < panels(); ++i) {
    for (std::size_t token = 0; token < capacity_; ++token) {
      for (std::size_t c = 0; c < head_dim_; ++c) *out++ = element(i, token, c);
    }
  }
  return tensor;
}

Tensor KeyValuePanels::keys_tensor() const {
  const std::size_t width = kernels_.panel_width;
  return tensor_of([&](std::size_t i, std::size_t token, std::size_t c) {
    return keys_.data()[i * key_floats_ + token / width * width * head_dim_ + c * width + token % width];
  });
}

Tensor KeyValuePanels::values_tensor() const {
  const std::size_t width = kernels_.panel_width;
  return tensor_of([&](std::size_t i, std::size_t token, std::size_t c) {
    return values_.data()[i * value_floats_ + c / width * value_panel_stride() + token * width + c % width];
  });
}

}  // namespace attest::optimized
