#pragma once

#include <cstdint>
#include <optional>

#include "fixtures/config.h"
#include "reference/xtensor.h"

namespace attest::reference {

/// torchtune.modules.KVCache: slots 0..filled-1 hold what was computed, the rest is zero.
template <class T>
class KVCacheState {
 public:
  /// Zero buffers [batch_size, num_kv_heads, max_seq_len, head_dim].
  KVCacheState(const KVCache& cache, std::int64_t num_kv_heads, std::int64_t head_dim);

  /// Appends k and v [batch_size, num_kv_heads, s, head_dim] after the filled slots. There must be room
  /// (validate_call).
  void update(const Array<T>& k, const Array<T>& v);
  /// All zero, none filled.
  void reset();

  const Array<T>& k_cache() const { return k_cache_; }
  const Array<T>& v_cache() const { return v_cache_; }
  std::int64_t filled() const { return filled_; }

 private:
  Array<T> k_cache_, v_cache_;
  std::int64_t filled_ = 0;
};

/// The cache that forward reads and writes, before the first call: none if the layer has none or it is not enabled.
template <class T>
std::optional<KVCacheState<T>> empty_cache(const Config& config);

}  // namespace attest::reference
