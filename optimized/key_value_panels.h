#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "fixtures/tensor.h"
#include "optimized/kernels.h"
#include "optimized/portion.h"

namespace attest::optimized {

/// Keys and values [samples, heads, capacity, head_dim] in the target's layout, in memory that somebody else keeps: the
/// cache, or a call's own keys and values, of which there may be a portion at a time. Samples and heads are named by
/// their number in the call and the layer.
template <class Element>
class KeyValuePanels {
 public:
  explicit KeyValuePanels(const Kernels<Element>& kernels) : kernels_(kernels) {}

  /// Elements of one head of one sample.
  static std::size_t size_of_head(const Kernels<Element>& kernels, const HeadShape& shape);
  /// From now on of this portion, in `memory`, whatever that holds. Allocates flags where it never had as many heads.
  void place(const Portion& portion, const HeadShape& shape, Element* memory);
  /// Every slot becomes zero.
  void clear();

  /// Different slots may be written from different threads.
  void store_key(std::size_t sample, std::size_t head, std::size_t token, const float* row);
  void store_value(std::size_t sample, std::size_t head, std::size_t token, const float* row);

  /// k and v [samples, heads, s, head_dim], float32, as tokens first_slot, first_slot + 1, ...
  void store(const Tensor& k, const Tensor& v, std::size_t first_slot);

  const Element* keys(std::size_t sample, std::size_t head) const;
  const Element* values(std::size_t sample, std::size_t head) const;
  std::size_t capacity() const { return shape_.capacity; }
  /// False once a NaN or Inf was stored among this head's values.
  bool values_finite(std::size_t sample, std::size_t head) const;

  /// float32 [samples, heads, capacity, head_dim], as torchtune's cache has them.
  Tensor keys_tensor() const;
  Tensor values_tensor() const;

 private:
  /// load(i, token, row)
  template <class Load>
  Tensor tensor_of(const Load& load) const;
  std::size_t heads() const { return portion_.samples.count * portion_.heads.count; }
  std::size_t index(std::size_t sample, std::size_t head) const {
    return (sample - portion_.samples.first) * portion_.heads.count + head - portion_.heads.first;
  }
  Element* keys_at(std::size_t index) const { return memory_ + index * key_size_; }
  Element* values_at(std::size_t index) const { return memory_ + heads() * key_size_ + index * value_size_; }
  void expect_finite();

  const Kernels<Element>& kernels_;
  Portion portion_{};
  HeadShape shape_{};
  Element* memory_ = nullptr;                        ///< all keys, then all values
  std::size_t key_size_ = 0, value_size_ = 0;        ///< of one head
  std::unique_ptr<std::atomic<bool>[]> not_finite_;  ///< of each head of each sample
  std::size_t flags_ = 0;
};

extern template class KeyValuePanels<float>;

}  // namespace attest::optimized
