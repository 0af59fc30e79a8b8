#include "harness/judge/selected_heads.h"

#include <cstring>

#include "fixtures/error.h"
#include "fixtures/layer_shapes.h"
#include "fixtures/sampled_rows.h"
#include "fixtures/sha256.h"
#include "harness/judge/head_layout.h"
#include "harness/tensor_parts.h"

namespace attest::harness {
namespace {

/// [b, s, out_features] of x [b, s, d]. Only bytes move: a selecting projection rounds nothing.
Tensor selected(const Tensor& x, const Selection& selection) {
  const std::size_t outputs = selection.of_row.size(), size = size_of(x.dtype());
  const auto width = static_cast<std::size_t>(x.dim(2)), tokens = static_cast<std::size_t>(x.dim(0) * x.dim(1));
  Tensor y(x.dtype(), {x.dim(0), x.dim(1), static_cast<std::int64_t>(outputs)});
  std::byte* to = y.bytes().data();
  for (std::size_t token = 0; token < tokens; ++token) {
    const std::byte* from = x.bytes().data() + token * width * size;
    for (std::size_t o = 0; o < outputs; ++o, to += size) {
      const auto channel = selection.of_row[o];
      const bool constant = channel == Selection::kNone;
      std::memcpy(to, constant ? &selection.bias.bytes()[o * size] : from + static_cast<std::size_t>(channel) * size,
                  size);
    }
  }
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
