#include "harness/profile/named_layer.h"

#include <array>
#include <cmath>

#include "fixtures/generator.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/named_rows.h"

namespace attest::harness {
namespace {

/// One row a model, after torchtune's builder of that name.
struct NamedLayer {
  std::string_view name;
  std::int64_t embed_dim, num_heads, num_kv_heads, head_dim;
  bool bias;  ///< of q, k and v
  PosEmbeddings pos_embeddings;
};

const std::array kLayers = {
    NamedLayer{"llama3_2_1b", 2048, 32, 8, 64, false, Llama3ScaledRoPE{64, kLongest, 500'000.0, 32.0}},
    NamedLayer{"llama3_2_3b", 3072, 24, 8, 128, false, Llama3ScaledRoPE{128, kLongest, 500'000.0, 32.0}},
    NamedLayer{"llama3_1_8b", 4096, 32, 8, 128, false, Llama3ScaledRoPE{128, kLongest, 500'000.0, 8.0}},
    NamedLayer{"qwen2_5_0_5b", 896, 14, 2, 64, true, Qwen2RotaryPositionalEmbeddings{64, kLongest, 1'000'000.0}},
    NamedLayer{"qwen2_5_7b", 3584, 28, 4, 128, true, Qwen2RotaryPositionalEmbeddings{128, kLongest, 1'000'000.0}},
    NamedLayer{"phi3_mini", 3072, 32, 32, 96, false, Phi3RotaryPositionalEmbeddings{96, kLongest, 10'000.0}},
    NamedLayer{"mistral_7b", 4096, 32, 8, 128, false, RotaryPositionalEmbeddings{128, kLongest, 10'000.0}},
    NamedLayer{"gemma_2b", 2048, 8, 1, 256, false, RotaryPositionalEmbeddings{256, kLongest, 10'000.0}},
    NamedLayer{"d512", 512, 8, 8, 64, false, RotaryPositionalEmbeddings{64, kLongest, 10'000.0}},
    NamedLayer{"tiny", 64, 4, 2, 16, false, RotaryPositionalEmbeddings{16, kLongest, 10'000.0}},
};

constexpr double kStandardDeviation = 75'674.0;  // of a generated tensor with exponent 0

}  // namespace

std::vector<std::string> layer_names() {
  std::vector<std::string> names;
  for (const auto& layer : kLayers) names.emplace_back(layer.name);
  return names;
}

Config named_config(std::string_view name) {
  const NamedLayer& layer = row_named(kLayers, "--layer", name);
  const std::int64_t queries = layer.num_heads * layer.head_dim, keys = layer.num_kv_heads * layer.head_dim;
  Config config;
  config.embed_dim = layer.embed_dim;
  config.num_heads = layer.num_heads;
  config.num_kv_heads = layer.num_kv_heads;
  config.head_dim = layer.head_dim;
  config.max_seq_len = kLongest;
  config.q_proj = Linear{layer.embed_dim, queries, layer.bias};
  config.k_proj = config.v_proj = Linear{layer.embed_dim, keys, layer.bias};
  config.output_proj = Linear{queries, layer.embed_dim, false};
  config.pos_embeddings = layer.pos_embeddings;
  return config;
}

std::vector<GeneratedWeight> generated_weights(const Config& config) {
  std::vector<GeneratedWeight> weights;
  for (const auto& [name, shape] : parameter_shapes(config)) {
    const double wanted = 1.0 / std::sqrt(static_cast<double>(shape.back()));
    weights.push_back({name, weights.size(), std::lround(std::log2(wanted / kStandardDeviation)), shape});
  }
  return weights;
}

Weights weights_of_named_layer(const Config& config) {
  Weights weights;
  for (const auto& weight : generated_weights(config)) {
    weights[weight.name] = generate({kProfileSeed, weight.stream, weight.exponent, DType::float32, weight.shape});
  }
  return weights;
}

Tensor generated_activations(std::uint64_t stream, const Shape& shape) {
  return generate({kProfileSeed, stream, kActivationExponent, DType::float32, shape});
}

}  // namespace attest::harness
