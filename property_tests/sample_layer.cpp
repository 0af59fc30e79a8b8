#include "property_tests/sample_layer.h"

#include <algorithm>

#include "fixtures/generator.h"
#include "fixtures/layer_shapes.h"
#include "reference/rotary_tables.h"

namespace attest::property_tests {
namespace {

Config config_of(const SampleLayer& sample) {
  Config config;
  config.embed_dim = sample.d;
  config.num_heads = sample.n_h;
  config.num_kv_heads = sample.n_kv;
  config.head_dim = sample.h_d;
  config.is_causal = sample.is_causal;
  config.dtype = sample.dtype;
  config.q_proj = Linear{sample.d, sample.n_h * sample.h_d, sample.bias};
  config.k_proj = config.v_proj = Linear{sample.d, sample.n_kv * sample.h_d, sample.bias};
  config.output_proj = Linear{sample.n_h * sample.h_d, sample.out_features.value_or(sample.d), sample.bias};
  config.pos_embeddings = sample.pos_embeddings;
  if (sample.norm) config.q_norm = config.k_norm = RMSNorm{sample.h_d, 1e-6};
  config.kv_cache = sample.kv_cache;
  return config;
}

}  // namespace

LayerSpec sample_layer(const SampleLayer& sample) {
  LayerSpec layer;
  layer.config = config_of(sample);
  std::uint64_t stream = 0;
  for (const auto& [name, shape] : parameter_shapes(layer.config)) {
    const std::int64_t exponent = shape.size() == 2 ? -19 : -17;  // projections of x near 1, logits of moderate size
    layer.weights[name] = generate({sample.seed, ++stream, exponent, sample.dtype, shape});
  }
  if (const auto rotary = rotary_extent(sample.pos_embeddings)) {
    layer.tables = reference::build_rotary_tables(sample.pos_embeddings, rotary->max_seq_len);
  }
  return layer;
}

Tensor sample_tensor(const Shape& shape, std::uint64_t seed, DType dtype) {
  return generate({seed, 1000, -16, dtype, shape});
}

Tensor positions_from(std::int64_t first, std::int64_t count) {
  Tensor positions(DType::int64, {count});
  std::ranges::generate(positions.as<std::int64_t>(), [&] { return first++; });
  return positions;
}

}  // namespace attest::property_tests
