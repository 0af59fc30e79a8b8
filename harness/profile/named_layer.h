#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "fixtures/case.h"

/// The attention layers of well-known models, with generated weights.
namespace attest::harness {

/// "llama3_2_1b", ... in the order of the table in named_layer.cpp; "tiny" is for a first try and for the tests.
std::vector<std::string> layer_names();

/// Positions that the rotary embeddings accept: the most that --work takes.
inline constexpr std::int64_t kLongest = std::int64_t{1} << 20;

/// The layer's configuration, without a cache. Throws InputError listing the names.
Config named_config(std::string_view name);

/// Contents of one parameter: counter-based, so that a peer in Python has the same bits (fixtures/generator.h).
struct GeneratedWeight {
  std::string name;
  std::uint64_t stream = 0;
  std::int64_t exponent = 0;
  Shape shape;
};

inline constexpr std::uint64_t kProfileSeed = 4711;

/// Every parameter; weights of a standard deviation near 1 / sqrt(in_features), so that activations stay near 1.
std::vector<GeneratedWeight> generated_weights(const Config& config);

Weights weights_of_named_layer(const Config& config);

/// Activations with a standard deviation of 1.155. Streams of weights and activations never meet.
Tensor generated_activations(std::uint64_t stream, const Shape& shape);

/// Streams of the activations.
inline constexpr std::uint64_t kStreamOfX = 100;       ///< x, then y; for attention alone q, then k and v
inline constexpr std::uint64_t kStreamOfCached = 200;  ///< the chunks that fill a cache
inline constexpr std::int64_t kActivationExponent = -16;

}  // namespace attest::harness
