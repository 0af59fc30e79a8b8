#include "reference/forward.h"

#include <utility>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"
#include "reference/attention.h"
#include "reference/masks.h"

namespace attest::reference {
namespace {

/// Records each stage as computed and hands on what the next stage reads: the value in the layer's dtype.
template <class T>
class Recorder {
 public:
  explicit Recorder(DType storage) : storage_(storage) {}

  Array<T> keep(Stage stage, Array<T> value) {
    Array<T> stored = rounded_to(storage_, value);
    stages_[stage] = std::move(value);
    return stored;
  }
  StageArrays<T> take() { return std::move(stages_); }

 private:
  DType storage_;
  StageArrays<T> stages_;
};

}  // namespace

template <class T>
StageArrays<T> forward(const Layer<T>& layer, std::optional<KVCacheState<T>>& cache, const Inputs& inputs) {
  const auto& [config, q_proj, k_proj, v_proj, output_proj, pos_embeddings, q_norm, k_norm] = layer;
  const std::int64_t b = inputs.x.dim(0), s_x = inputs.x.dim(1), h_d = config.head_dim;
  const Tensor* input_pos = inputs.input_pos ? &*inputs.input_pos : nullptr;
  const Tensor* y = key_value_input(inputs);
  Recorder<T> stages(config.dtype);

  // q = self.q_proj(x).view(b, s_x, num_heads, head_dim)
  Array<T> q =
      view_as(stages.keep(Stage::q_proj, linear(to_array<T>(inputs.x), q_proj)), {b, s_x, config.num_heads, h_d});
  // q = self.pos_embeddings(q, input_pos=input_pos)
  if (pos_embeddings) {
    q = stages.keep(Stage::q_rope, rotary(q, rotation_at(*pos_embeddings, input_pos, b, s_x)));
  }
  // q = self.q_norm(q.transpose(1, 2))
  q = transpose_1_2(q);
  if (q_norm) q = stages.keep(Stage::q_norm, rms_norm(q, *q_norm));

  Array<T> k, v;
  if (y != nullptr) {
    // k = self.k_proj(y).view(b, s_y, num_kv_heads, head_dim), v likewise
    const std::int64_t s_y = y->dim(1);
    k = view_as(stages.keep(Stage::k_proj, linear(to_array<T>(*y), k_proj)), {b, s_y, config.num_kv_heads, h_d});
    v = view_as(stages.keep(Stage::v_proj, linear(to_array<T>(*y), v_proj)), {b, s_y, config.num_kv_heads, h_d});
    // k = self.pos_embeddings(k, input_pos=input_pos): the same positions as q's
    if (pos_embeddings) {
      k = stages.keep(Stage::k_rope, rotary(k, rotation_at(*pos_embeddings, input_pos, b, s_y)));
    }
    // k = self.k_norm(k.transpose(1, 2)), v = v.transpose(1, 2)
    k = transpose_1_2(k);
    v = transpose_1_2(v);
    if (k_norm) k = stages.keep(Stage::k_norm, rms_norm(k, *k_norm));
    // self.kv_cache.update(k, v)
    if (cache) cache->update(k, v);
  }
  // k, v = the whole cache, its unfilled slots included
  if (cache) {
    k = stages.keep(Stage::k_cache, cache->k_cache());
    v = stages.keep(Stage::v_cache, cache->v_cache());
  }

  // output = scaled_dot_product_attention(q, k, v, mask, is_causal); expanding k and v to num_heads is done by indexing
  const auto s_k = static_cast<std::int64_t>(k.shape(2));
  const auto mask = attention_mask<T>(inputs.mask, attends_causally(config, inputs), b, s_x, s_k);
  Array<T> output = stages.keep(Stage::attention, attention(q, k, v, mask));
  // output = self.output_proj(output.transpose(1, 2).view(b, s_x, -1))
  output = view_as(transpose_1_2(output), {b, s_x, config.num_heads * h_d});
  stages.keep(Stage::output, linear(output, output_proj));
  return stages.take();
}

template StageArrays<float> forward(const Layer<float>&, std::optional<KVCacheState<float>>&, const Inputs&);
template StageArrays<double> forward(const Layer<double>&, std::optional<KVCacheState<double>>&, const Inputs&);

}  // namespace attest::reference
