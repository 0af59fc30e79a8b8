#include "reference/kv_cache.h"

namespace attest::reference {
namespace {

template <class T>
struct EnabledCache {
  const Config& config;

  std::optional<KVCacheState<T>> operator()(const NoKVCache&) const { return std::nullopt; }
  std::optional<KVCacheState<T>> operator()(const KVCache& cache) const {
    if (!cache.enabled) return std::nullopt;
    return KVCacheState<T>(cache, config.num_kv_heads, config.head_dim);
  }
};

}  // namespace

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
std::optional<KVCacheState<T>> enabled_cache(const Config& config) {
  return std::visit(EnabledCache<T>{config}, config.kv_cache);
}

template class KVCacheState<float>;
template class KVCacheState<double>;
template std::optional<KVCacheState<float>> enabled_cache(const Config&);
template std::optional<KVCacheState<double>> enabled_cache(const Config&);

}  // namespace attest::reference
