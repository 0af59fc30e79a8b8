#include "reference/masks.h"

#include <algorithm>
#include <limits>

#include "fixtures/overloaded.h"
#include "reference/arrays.h"

namespace attest::reference {
namespace {

using Extents = std::vector<std::size_t>;

Array<bool> all_visible(const Extents& shape) { return xt::ones<bool>(shape); }

/// Token i sees keys 0..i.
Array<bool> lower_triangle(const Extents& shape) {
  Array<bool> visible = xt::zeros<bool>(shape);
  for (std::size_t b = 0; b < shape[0]; ++b) {
    for (std::size_t i = 0; i < shape[1]; ++i) {
      for (std::size_t j = 0; j <= i && j < shape[2]; ++j) visible(b, i, j) = true;
    }
  }
  return visible;
}

/// Token i sees the keys of its own document up to i. torchtune attention_utils.py create_block_causal_mask
Array<bool> block_causal(const Tensor& seq_lens, const Extents& shape) {
  Array<bool> visible = xt::zeros<bool>(shape);
  const auto lengths = seq_lens.as<std::int64_t>();
  const auto documents = static_cast<std::size_t>(seq_lens.dim(1));
  for (std::size_t b = 0; b < shape[0]; ++b) {
    const std::size_t sample = seq_lens.dim(0) == 1 ? 0 : b;
    std::size_t start = 0;
    for (std::size_t n = 0; n < documents; ++n) {
      const std::size_t end = start + static_cast<std::size_t>(lengths[sample * documents + n]);
      for (std::size_t i = start; i < end; ++i) {
        for (std::size_t j = start; j <= i; ++j) visible(b, i, j) = true;
      }
      start = end;
    }
  }
  return visible;
}

Array<bool> broadcast_bool(const Tensor& mask, const Extents& shape) {
  Array<bool> given(Extents(mask.shape().begin(), mask.shape().end()));
  std::ranges::transform(mask.as<std::uint8_t>(), given.data(), [](std::uint8_t seen) { return seen != 0; });
  return xt::broadcast(given, shape);
}

template <class T>
AttentionMask<T> additive(const Tensor& mask, const Extents& shape) {
  const Array<T> given = to_array<T>(mask);
  const Array<T> bias = xt::broadcast(given, shape);
  return {xt::not_equal(bias, -std::numeric_limits<T>::infinity()), bias};
}

}  // namespace

template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, std::int64_t b, std::int64_t s_x, std::int64_t s_k) {
  const Extents shape = {static_cast<std::size_t>(b), static_cast<std::size_t>(s_x), static_cast<std::size_t>(s_k)};
  using Result = AttentionMask<T>;
  return std::visit(overloaded{[&](const NoMask&) {
                                 return Result{is_causal ? lower_triangle(shape) : all_visible(shape), {}};
                               },
                               [&](const BoolMask& given) {
                                 return Result{broadcast_bool(given.values, shape), {}};
                               },
                               [&](const FloatMask& given) { return additive<T>(given.values, shape); },
                               [&](const PackedBlockCausalMask& given) {
                                 return Result{block_causal(given.seq_lens, shape), {}};
                               }},
                    mask);
}

template AttentionMask<float> attention_mask(const Mask&, bool, std::int64_t, std::int64_t, std::int64_t);
template AttentionMask<double> attention_mask(const Mask&, bool, std::int64_t, std::int64_t, std::int64_t);

}  // namespace attest::reference
