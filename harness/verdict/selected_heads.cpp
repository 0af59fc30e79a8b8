#include "harness/verdict/selected_heads.h"

#include <span>

#include "fixtures/error.h"
#include "fixtures/floating_point.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/sampled_rows.h"
#include "fixtures/sha256.h"
#include "harness/verdict/head_layout.h"
#include "harness/verdict/tensor_parts.h"

namespace attest::harness {
namespace {

/// [b, s, out_features] of x [b, s, d]. Values are copied: a selecting projection rounds nothing.
Tensor selected(const Tensor& x, const Selection& selection) {
  const auto width = static_cast<std::size_t>(x.dim(2));
  Tensor y(x.dtype(), {x.dim(0), x.dim(1), static_cast<std::int64_t>(selection.of_row.size())});
  visit_floating_point(y, [&]<class T>(std::span<T> out) {
    const auto in = x.as<T>(), constants = selection.bias.as<T>();
    auto to = out.begin();
    for (auto token = in.begin(); token != in.end(); token += static_cast<std::ptrdiff_t>(width)) {
      for (std::size_t o = 0; o < selection.of_row.size(); ++o) {
        const auto channel = selection.of_row[o];
        *to++ = channel == Selection::kNone ? constants[o] : token[channel];
      }
    }
  });
  return y;
}

/// [b, n, s, h_d], after their digest was held against torchtune's.
Tensor heads(const LayerSpec& layer, const Step& step, const Tensor& x, Stage stage) {
  const std::string name(name_of(stage));
  const Tensor projected = selected(x, selection_of(layer, name));
  const std::string ours = sha256_hex(projected.bytes()), torchtunes = step.sampled->sha256.at(stage);
  if (ours != torchtunes) throw InputError("sha256/" + name, "that of the selected inputs, " + ours, torchtunes);
  const std::int64_t h_d = layer.config.head_dim;
  return with_middle_axes_swapped(
      reshaped(projected, {projected.dim(0), projected.dim(1), projected.dim(2) / h_d, h_d}));
}

}  // namespace

SelectedCalls::SelectedCalls(const LayerSpec& layer) : layer_(layer) { reset_cache(); }

void SelectedCalls::reset_cache() {
  filled_ = 0;
  const Config& config = layer_.config;
  if (const KVCache* cache = enabled_cache(config)) {
    k_ = v_ = Tensor(config.dtype, {cache->batch_size, config.num_kv_heads, cache->max_seq_len, config.head_dim});
  }
}

SelectedHeads SelectedCalls::heads_of(const Step& step) {
  SelectedHeads found;
  found.q = heads(layer_, step, step.inputs.x, Stage::q_proj);
  const Tensor* y = key_value_input(step.inputs);
  if (y != nullptr) {
    found.k = heads(layer_, step, *y, Stage::k_proj);
    found.v = heads(layer_, step, *y, Stage::v_proj);
  }
  if (enabled_cache(layer_.config) == nullptr) return found;
  if (y != nullptr) {
    overwrite(k_, 2, filled_, found.k);
    overwrite(v_, 2, filled_, found.v);
    filled_ += y->dim(1);
  }
  found.k = k_;
  found.v = v_;
  return found;
}

}  // namespace attest::harness
