#pragma once

#include <cstddef>
#include <cstdint>

#include "fixtures/config.h"
#include "optimized/aligned_buffer.h"
#include "optimized/key_value_panels.h"

namespace attest::optimized {

/// torchtune's KVCache: slots that are filled one after the other. Of a layer without an enabled cache it is empty.
class LayerCache {
 public:
  LayerCache(const Config& config, const KernelTable& kernels);

  bool enabled() const { return slots_ > 0; }
  std::size_t slots() const { return slots_; }
  std::size_t filled() const { return filled_; }
  KeyValuePanels<float>& panels() { return panels_; }
  const KeyValuePanels<float>& panels() const { return panels_; }

  /// The next `tokens` slots were written, if there are any.
  void advance(std::size_t tokens) {
    if (enabled()) filled_ += tokens;
  }
  /// k and v [b, n_kv, s, h_d], float32, into the next s slots. Throws InputError where they do not fit.
  void fill(const Tensor& k, const Tensor& v);
  /// Empties the newest `tokens` slots. Throws InputError if fewer are filled.
  void rewind(std::int64_t tokens);
  void clear();

 private:
  AlignedBuffer memory_;
  KeyValuePanels<float> panels_;
  std::size_t samples_ = 0, heads_ = 0, slots_ = 0, head_dim_ = 0;
  std::size_t filled_ = 0;
};

}  // namespace attest::optimized
