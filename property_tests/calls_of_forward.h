#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "fixtures/error.h"
#include "fixtures/validate.h"

/// What torchtune 0.6.1 on torch 2.13 accepts and refuses was recorded by running it; its messages are quoted in the
/// tests, and every number in them must occur in ours.
namespace attest::property_tests {

/// d 16, n_h 4, h_d 4, a rotary table of 16 rows.
struct Layer {
  std::int64_t n_kv = 2;
  bool rotary = false;
  std::optional<KVCache> cache = std::nullopt;
  DType dtype = DType::float32;

  LayerSpec spec() const {
    LayerSpec layer;
    layer.config.embed_dim = 16;
    layer.config.num_heads = 4;
    layer.config.num_kv_heads = n_kv;
    layer.config.head_dim = 4;
    layer.config.dtype = dtype;
    layer.config.q_proj = layer.config.output_proj = Linear{16, 16};
    layer.config.k_proj = layer.config.v_proj = Linear{16, n_kv * 4};
    if (cache) layer.config.kv_cache = *cache;
    if (rotary) {
      layer.config.pos_embeddings = RotaryPositionalEmbeddings{4, 16};
      layer.tables = {Tensor(DType::float32, {2}), Tensor(DType::float32, {16, 2}), Tensor(DType::float32, {16, 2})};
    }
    return layer;
  }
};

inline Tensor zeros(const Shape& shape, DType dtype = DType::float32) { return {dtype, shape}; }

inline Inputs call(const Shape& x) {
  Inputs inputs;
  inputs.x = zeros(x);
  return inputs;
}

inline Inputs with_y(Inputs inputs, const Shape& y) {
  inputs.y = zeros(y);
  return inputs;
}

inline std::vector<std::string> numbers_in(const std::string& text) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < text.size();) {
    const auto end = std::min(text.find_first_not_of("0123456789", i), text.size());
    if (end > i) numbers.push_back(text.substr(i, end - i));
    i = end + 1;
  }
  return numbers;
}

/// Refused by `field`, with every number of torchtune's message.
inline void refused(const Layer& layer, const Inputs& inputs, const std::string& field,
                    const std::string& torchtunes = "", std::int64_t filled = 0) {
  try {
    validate_call(layer.spec(), inputs, filled);
    ADD_FAILURE() << "accepted, although torchtune says " << torchtunes;
  } catch (const InputError& error) {
    EXPECT_EQ(error.field, field) << error.what();
    const auto ours = numbers_in(error.what());
    for (const auto& number : numbers_in(torchtunes)) {
      EXPECT_NE(std::ranges::find(ours, number), ours.end())
          << number << " of " << torchtunes << " in " << error.what();
    }
  }
}

inline void accepted(const Layer& layer, const Inputs& inputs, std::int64_t filled = 0) {
  EXPECT_NO_THROW(validate_call(layer.spec(), inputs, filled));
}

}  // namespace attest::property_tests
