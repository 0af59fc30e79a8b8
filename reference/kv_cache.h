#pragma once

#include <cstdint>
#include <optional>

#include "fixtures/layer_shapes.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// torchtune.modules.KVCache: slots 0..filled-1 hold what was computed, the rest is zero.
template <class T>
class KVCacheState {
 public:
  /// Zero buffers [batch_size, num_kv_heads, max_seq_len, head_dim].
  KVCacheState(const KVCache& cache, std::int64_t num_kv_heads, std::int64_t head_dim)
      : k_cache_(xt::zeros<T>({cache.batch_size, num_kv_heads, cache.max_seq_len, head_dim})), v_cache_(k_cache_) {}

  /// Appends k and v [batch_size, num_kv_heads, s, head_dim] after the filled slots. There must be room
  /// (validate_call).
  void update(const Array<T>& k, const Array<T>& v) {
    const std::int64_t end = filled_ + extent(k, 2);
    xt::view(k_cache_, xt::all(), xt::all(), xt::range(filled_, end)) = k;
    xt::view(v_cache_, xt::all(), xt::all(), xt::range(filled_, end)) = v;
    filled_ = end;
  }

  const Array<T>& k_cache() const { return k_cache_; }
  const Array<T>& v_cache() const { return v_cache_; }
  std::int64_t filled() const { return filled_; }

 private:
  Array<T> k_cache_, v_cache_;
  std::int64_t filled_ = 0;
};

/// The cache that forward reads and writes, before the first call: none if the layer has none or it is not enabled.
template <class T>
std::optional<KVCacheState<T>> empty_cache(const Config& config) {
  const KVCache* cache = enabled_cache(config);
  if (cache == nullptr) return std::nullopt;
  return KVCacheState<T>(*cache, config.num_kv_heads, config.head_dim);
}

}  // namespace attest::reference
