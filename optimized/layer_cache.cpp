#include "optimized/layer_cache.h"

#include <string>
#include <vector>

#include "fixtures/layer_shapes.h"
#include "fixtures/require.h"

namespace attest::optimized {
namespace {

std::size_t extent(std::int64_t value) { return static_cast<std::size_t>(value); }

}  // namespace

LayerCache::LayerCache(const Config& config, const KernelTable& kernels) : panels_(kernels) {
  const KVCache* wanted = enabled_cache(config);
  if (wanted == nullptr) return;
  samples_ = extent(wanted->batch_size);
  heads_ = extent(config.num_kv_heads);
  slots_ = extent(wanted->max_seq_len);
  head_dim_ = extent(config.head_dim);
  const HeadShape shape{.capacity = slots_, .head_dim = head_dim_};
  float* memory = memory_.reserve(samples_ * heads_ * KeyValuePanels<float>::size_of_head(kernels, shape));
  panels_.place({{0, samples_}, {0, heads_}}, shape, memory);
}

void LayerCache::fill(const Tensor& k, const Tensor& v) {
  require(enabled(), "kv_cache", "an enabled cache", "none");
  const auto room = static_cast<std::int64_t>(slots_ - filled_);
  require(k.rank() == 4 && k.dim(2) <= room, "kv_cache", "keys for the " + std::to_string(room) + " slots left",
          to_string(k.shape()));
  const Shape wanted{static_cast<std::int64_t>(samples_), static_cast<std::int64_t>(heads_), k.dim(2),
                     static_cast<std::int64_t>(head_dim_)};
  for (const Tensor* tensor : {&k, &v}) {
    require(tensor->shape() == wanted, "kv_cache", to_string(wanted), to_string(tensor->shape()));
  }
  panels_.store(k, v, filled_);
  filled_ += extent(k.dim(2));
}

void LayerCache::rewind(std::int64_t tokens) {
  require(tokens >= 0 && extent(tokens) <= filled_, "tokens",
          "from 0 to the " + std::to_string(filled_) + " filled slots", std::to_string(tokens));
  const std::vector<float> zeros(head_dim_);
  for (; tokens > 0; --tokens) {
    --filled_;
    for (std::size_t sample = 0; sample < samples_; ++sample) {
      for (std::size_t head = 0; head < heads_; ++head) {
        panels_.store_key(sample, head, filled_, zeros.data());
        panels_.store_value(sample, head, filled_, zeros.data());
      }
    }
  }
}

void LayerCache::clear() {
  panels_.clear();
  filled_ = 0;
}

}  // namespace attest::optimized
