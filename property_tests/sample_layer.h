#pragma once

#include <cstdint>
#include <optional>

#include "fixtures/case.h"

/// Small layers with smooth random contents, for what needs no recorded case.
namespace attest::property_tests {

struct SampleLayer {
  std::int64_t n_h = 4, n_kv = 2, h_d = 8, d = 32;
  std::optional<std::int64_t> out_features = {};  ///< d if not given
  bool bias = true;
  bool norm = false;
  bool is_causal = true;
  PosEmbeddings pos_embeddings = {};  ///< its tables are built for all its positions
  KVCacheConfig kv_cache = {};
  DType dtype = DType::float32;
  std::uint64_t seed = 1;
};

LayerSpec sample_layer(const SampleLayer& sample);

/// Standard deviation about 1.15.
Tensor sample_tensor(const Shape& shape, std::uint64_t seed, DType dtype = DType::float32);

/// int64 [count]: first, first + 1, ...
Tensor positions_from(std::int64_t first, std::int64_t count);

}  // namespace attest::property_tests
