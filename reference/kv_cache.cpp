#include "reference/kv_cache.h"

#include "fixtures/layer_shapes.h"

namespace attest::reference {

template <class T>
KVCacheState<T>::KVCacheState(const KVCache& cache, std::int64_t num_kv_heads, std::int64_t head_dim) {
  k_cache_ = xt::zeros<T>({cache.batch_size, num_kv_heads, cache.max_seq_len, head_dim});
  v_cache_ = k_cache_;
}

template <class T>
void KVCacheState<T>::update(const Array<T>& k, const Array<T>& v) {
  const auto s = static_cast<std::int64_t>(k.shape(2));
  xt::view(k_cache_, xt::all(), xt::all(), xt::range(filled_, filled_ + s)) = k;
  xt::view(v_cache_, xt::all(), xt::all(), xt::range(filled_, filled_ + s)) = v;
  filled_ += s;
}

template <class T>
void KVCacheState<T>::reset() {
  k_cache_.fill(T{0});
  v_cache_.fill(T{0});
  filled_ = 0;
}

template <class T>
std::optional<KVCacheState<T>> empty_cache(const Config& config) {
  const KVCache* cache = enabled_cache(config);
  if (cache == nullptr) return std::nullopt;
  return KVCacheState<T>(*cache, config.num_kv_heads, config.head_dim);
}

template class KVCacheState<float>;
template class KVCacheState<double>;
template std::optional<KVCacheState<float>> empty_cache(const Config&);
template std::optional<KVCacheState<double>> empty_cache(const Config&);

}  // namespace attest::reference
