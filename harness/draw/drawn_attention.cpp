#include "harness/draw/drawn_attention.h"

#include <limits>
#include <vector>

#include "fixtures/floating_point.h"
#include "harness/draw/counter_numbers.h"
#include "harness/draw/drawn_layer.h"
#include "harness/draw/drawn_mask.h"
#include "harness/verdict/head_layout.h"
#include "harness/verdict/tensor_parts.h"
#include "reference/masks.h"

namespace attest::harness {
namespace {

/// Whether any row of the sample sees the key, for each key and empty slot.
std::vector<bool> seen_keys(const CaseDraw& draw, const Mask& mask, std::int64_t sample) {
  reference::MaskRows rows = reference::all_rows(1, draw.called_tokens());
  rows.samples = {sample};
  const auto visible = reference::attention_mask<float>(mask, false, rows, draw.mask_columns()).visible;
  std::vector<bool> seen(static_cast<std::size_t>(draw.mask_columns()));
  for (std::int64_t i = 0; i < draw.called_tokens(); ++i) {
    for (std::int64_t j = 0; j < draw.mask_columns(); ++j) {
      if (reference::broadcast_element(visible, 0, 0, i, j)) seen[static_cast<std::size_t>(j)] = true;
    }
  }
  return seen;
}

template <class Stored>
void poison(std::span<Stored> run) {
  for (std::size_t c = 0; c < run.size(); ++c) {
    using Limits = std::numeric_limits<double>;
    run[c] = converted<Stored, double>(c % 2 == 0 ? Limits::quiet_NaN() : Limits::infinity());
  }
}

/// Empty slots after the keys of a cache.
Tensor with_empty_slots(const Tensor& heads, std::int64_t spare) {
  if (spare == 0) return heads;
  Shape shape = heads.shape();
  shape[2] = spare;
  return joined({heads, Tensor(heads.dtype(), shape)}, 2);
}

}  // namespace

SelectedInputs selected_inputs(const CaseDraw& draw, const Mask& mask) {
  const std::int64_t keys = draw.key_tokens();
  SelectedInputs inputs{{draw.b, draw.called_tokens(), draw.num_heads(), draw.h_d},
                        {draw.b, keys, draw.n_kv, draw.h_d},
                        {draw.b, keys, draw.n_kv, draw.h_d}};
  if (const auto select = input_family(draw.family).select) {
    select(inputs, draw, visible_keys(draw, mask));
    return inputs;
  }
  auto from = numbers(draw.seed, DrawStream::x);
  for (auto* heads : {&inputs.q, &inputs.k, &inputs.v}) {
    for (double& value : heads->values) value = from.normal();
  }
  return inputs;
}

Tensor heads_tensor(DType dtype, const HeadValues& heads) {
  return with_middle_axes_swapped(rounded_tensor(dtype, {heads.b, heads.s, heads.n, heads.h_d}, heads.values));
}

void poison_hidden_keys(Tensor& k, Tensor& v, const CaseDraw& draw, const Mask& mask) {
  const auto h_d = static_cast<std::size_t>(k.dim(3));
  for (std::int64_t sample = 0; sample < k.dim(0); ++sample) {
    const std::vector<bool> seen = seen_keys(draw, mask, sample);
    for (std::int64_t row = 0; row < k.dim(1) * k.dim(2); ++row) {
      if (seen[static_cast<std::size_t>(row % k.dim(2))]) continue;
      const auto at = static_cast<std::size_t>(sample * k.dim(1) * k.dim(2) + row) * h_d;
      for (Tensor* heads : {&k, &v}) {
        visit_floating_point(*heads, [&](auto values) { poison(values.subspan(at, h_d)); });
      }
    }
  }
}

AttentionCall drawn_attention(const CaseDraw& draw) {
  AttentionCall call;
  call.mask = drawn_mask(draw);
  call.is_causal = draw.mask == MaskKind::causal && !draw.has_cache();
  call.scale = drawn_scale(draw);
  call.keep = drawn_keep(draw);
  call.dropout_p = dropout_p(draw);
  const SelectedInputs inputs = selected_inputs(draw, call.mask);
  call.q = heads_tensor(draw.dtype, inputs.q);
  call.k = with_empty_slots(heads_tensor(draw.dtype, inputs.k), draw.spare);
  call.v = with_empty_slots(heads_tensor(draw.dtype, inputs.v), draw.spare);
  if (draw.poison) poison_hidden_keys(call.k, call.v, draw, call.mask);
  return call;
}

}  // namespace attest::harness
