#include "reference/masks.h"

#include <algorithm>
#include <limits>

#include "reference/arrays.h"

namespace attest::reference {
namespace {

using Extents = std::vector<std::size_t>;

template <class T>
struct MaskBuilder {
  bool is_causal;
  Extents shape;  ///< b, s_x, s_k

  AttentionMask<T> operator()(const NoMask&) const {
    Array<bool> visible = xt::ones<bool>(shape);
    if (!is_causal) return {visible, std::nullopt};
    for (std::size_t b = 0; b < shape[0]; ++b) {
      for (std::size_t i = 0; i < shape[1]; ++i) {
        for (std::size_t j = i + 1; j < shape[2]; ++j) visible(b, i, j) = false;
      }
    }
    return {visible, std::nullopt};
  }

  AttentionMask<T> operator()(const BoolMask& mask) const {
    Array<bool> given(Extents(mask.values.shape().begin(), mask.values.shape().end()));
    std::ranges::transform(mask.values.as<std::uint8_t>(), given.data(), [](std::uint8_t seen) { return seen != 0; });
    return {xt::broadcast(given, shape), std::nullopt};
  }

  AttentionMask<T> operator()(const FloatMask& mask) const {
    const Array<T> given = to_array<T>(mask.values);
    const Array<T> bias = xt::broadcast(given, shape);
    const Array<bool> visible = xt::not_equal(bias, -std::numeric_limits<T>::infinity());
    return {visible, bias};
  }
};

}  // namespace

template <class T>
AttentionMask<T> attention_mask(const Mask& mask, bool is_causal, std::int64_t b, std::int64_t s_x, std::int64_t s_k) {
  const Extents shape = {static_cast<std::size_t>(b), static_cast<std::size_t>(s_x), static_cast<std::size_t>(s_k)};
  return std::visit(MaskBuilder<T>{is_causal, shape}, mask);
}

template AttentionMask<float> attention_mask(const Mask&, bool, std::int64_t, std::int64_t, std::int64_t);
template AttentionMask<double> attention_mask(const Mask&, bool, std::int64_t, std::int64_t, std::int64_t);

}  // namespace attest::reference
