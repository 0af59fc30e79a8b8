#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include "fixtures/tensor.h"
#include "optimized/aligned_buffer.h"
#include "optimized/kernels.h"

namespace attest::optimized {

/// Consecutive samples of a call, or consecutive key/value heads of a layer.
struct Range {
  std::size_t first, count;
};

/// What is computed at a time: some key/value heads, with the query heads that read them, of some samples.
struct Portion {
  Range samples, heads;
};

/// Keys and values [samples, heads, capacity, head_dim] in the layout the attention kernels read (optimized/kernels.h).
/// Serves as the cache and as a call's own keys and values; of those it may hold a portion at a time. Samples and heads
/// are named by their number in the call and the layer.
class KeyValuePanels {
 public:
  explicit KeyValuePanels(const KernelTable& kernels) : kernels_(kernels) {}

  /// Takes this shape; what was stored is lost. Allocates only to grow.
  void resize(const Portion& portion, std::size_t capacity, std::size_t head_dim);
  /// What one head of one sample takes.
  std::size_t bytes_a_head(std::size_t capacity, std::size_t head_dim) const;
  /// Slots [0, filled) become zero again.
  void clear(std::size_t filled);

  /// Different slots may be written from different threads.
  void store_key(std::size_t sample, std::size_t head, std::size_t token, const float* row);
  void store_value(std::size_t sample, std::size_t head, std::size_t token, const float* row);

  /// k and v [samples, heads, s, head_dim], float32, as tokens first_slot, first_slot + 1, ...
  void store(const Tensor& k, const Tensor& v, std::size_t first_slot);

  const float* keys(std::size_t sample, std::size_t head) const;
  const float* values(std::size_t sample, std::size_t head) const;
  std::size_t value_panel_stride() const { return capacity_ * kernels_.panel_width; }
  /// False once a NaN or Inf was stored among this head's values.
  bool values_finite(std::size_t sample, std::size_t head) const;

  /// float32 [samples, heads, capacity, head_dim], as torchtune's cache has them.
  Tensor keys_tensor() const;
  Tensor values_tensor() const;

 private:
  /// element(panel, token, channel)
  template <class Element>
  Tensor tensor_of(const Element& element) const;
  std::size_t panels() const { return portion_.samples.count * portion_.heads.count; }
  std::size_t index(std::size_t sample, std::size_t head) const {
    return (sample - portion_.samples.first) * portion_.heads.count + head - portion_.heads.first;
  }

  const KernelTable& kernels_;
  Portion portion_{};
  std::size_t capacity_ = 0, head_dim_ = 0;
  std::size_t key_floats_ = 0, value_floats_ = 0;  ///< of one head
  AlignedBuffer keys_, values_;
  std::unique_ptr<std::atomic<bool>[]> not_finite_;  ///< of each head of each sample
  std::size_t flags_ = 0;
};

}  // namespace attest::optimized
