#include "harness/builtin/layer_from_c.h"

#include <algorithm>

#include "fixtures/error.h"
#include "fixtures/positions.h"
#include "fixtures/validate.h"
#include "harness/isolation/dlpack_tensor.h"

namespace attest::builtin {
namespace {

using harness::copy_of;

Projection projection_of(const Weights& weights, const std::string& name) {
  const auto weight = weights.find(name + ".weight");
  if (weight == weights.end()) throw InputError("weights", name + ".weight", "no such weight");
  return Linear{weight->second.dim(1), weight->second.dim(0), weights.contains(name + ".bias")};
}

Config config_of(const attest_layer& in, const Weights& weights) {
  Config config;
  config.embed_dim = in.embed_dim;
  config.num_heads = in.num_heads;
  config.num_kv_heads = in.num_kv_heads;
  config.head_dim = in.head_dim;
  config.is_causal = in.is_causal != 0;
  config.dtype = harness::dtype_of(in.x->dtype);
  config.q_proj = projection_of(weights, "q_proj");
  config.k_proj = projection_of(weights, "k_proj");
  config.v_proj = projection_of(weights, "v_proj");
  config.output_proj = projection_of(weights, "output_proj");
  if (in.cos != nullptr) config.pos_embeddings = embedding_of(in.pairing, in.head_dim, *in.cos);
  if (in.has_norm != 0) {
    config.q_norm = RMSNorm{in.head_dim, in.q_norm_eps};
    config.k_norm = RMSNorm{in.head_dim, in.k_norm_eps};
  }
  if (in.scale != score_scale(std::nullopt, in.head_dim)) config.scale = in.scale;
  config.training = in.keep != nullptr;
  config.attn_dropout = in.dropout_p;
  config.flex_attention = in.partial_blocks != nullptr;
  if (in.norm_order == ATTEST_NORM_BEFORE_ROTARY) config.norm_order = NormOrder::before_pos_embeddings;
  if (in.k_cache != nullptr) config.kv_cache = KVCache{in.k_cache->shape[0], in.k_cache->shape[2], true};
  config.max_seq_len = in.cos != nullptr ? in.cos->shape[0] : config.max_seq_len;
  if (in.k_cache != nullptr) config.max_seq_len = std::max(config.max_seq_len, in.k_cache->shape[2]);
  return config;
}

std::vector<std::int64_t> values_of(const Tensor& positions) {
  const auto values = positions.as<std::int64_t>();
  return {values.begin(), values.end()};
}

/// Whether torchtune would read these positions out of `input_pos`.
bool gives(const Tensor* input_pos, const Tensor& positions, std::int64_t rows) {
  const std::int64_t b = positions.dim(0), s = positions.dim(1);
  if (input_pos == nullptr && s > rows) return false;
  if (input_pos != nullptr && !position_count_fits(input_pos->size(), b, s)) return false;
  return resolve_positions(input_pos, b, s, rows) == values_of(positions);
}

Tensor first_row(const Tensor& positions) {
  Tensor row(DType::int64, {positions.dim(1)});
  std::ranges::copy(positions.as<std::int64_t>().first(static_cast<std::size_t>(positions.dim(1))),
                    row.as<std::int64_t>().begin());
  return row;
}

/// x and y share torchtune's `input_pos`: the first reading of it that explains both.
std::optional<Tensor> input_pos_of(const attest_layer& in) {
  const Tensor x = copy_of(*in.x_positions);
  const Tensor y = in.y_positions == nullptr ? x : copy_of(*in.y_positions);
  const std::int64_t rows = in.cos->shape[0];
  if (gives(nullptr, x, rows) && gives(nullptr, y, rows)) return std::nullopt;
  for (const Tensor& candidate : {x, first_row(x), first_row(y)}) {
    if (gives(&candidate, x, rows) && gives(&candidate, y, rows)) return candidate;
  }
  throw InputError("positions", "those of one input_pos for x and y", "others");
}

}  // namespace

PosEmbeddings embedding_of(std::int32_t pairing, std::int64_t head_dim, const DLTensor& cos) {
  const std::int64_t rows = cos.shape[0];
  if (pairing == ATTEST_INTERLEAVED) return RotaryPositionalEmbeddings{.dim = head_dim, .max_seq_len = rows};
  if (pairing == ATTEST_HALVES) return Phi3RotaryPositionalEmbeddings{.dim = head_dim, .max_seq_len = rows};
  if (pairing == ATTEST_HALVES_ROUNDED) return Qwen2RotaryPositionalEmbeddings{.dim = head_dim, .max_seq_len = rows};
  throw InputError("pairing", "a pairing of the interface", std::to_string(pairing));
}

RotaryTables tables_of(const DLTensor& cos, const DLTensor& sin) {
  return {Tensor(DType::float32, {cos.shape[1]}), copy_of(cos), copy_of(sin)};
}

namespace {

Mask mask_of(const DLTensor* mask) {
  if (mask == nullptr) return NoMask{};
  Tensor values = copy_of(*mask);
  if (values.dtype() == DType::boolean) return BoolMask{std::move(values)};
  return FloatMask{std::move(values)};
}

template <class Arguments>
Mask any_mask_of(const Arguments& in) {
  if (in.partial_blocks == nullptr) return mask_of(in.mask);
  return BlockMask{copy_of(*in.kv_num_blocks), copy_of(*in.kv_indices), copy_of(*in.full_kv_num_blocks),
                   copy_of(*in.full_kv_indices), copy_of(*in.partial_blocks)};
}

}  // namespace

Mask mask_of(const attest_attention& in) { return any_mask_of(in); }

std::optional<Tensor> keep_of(const attest_attention& in) {
  return in.keep == nullptr ? std::nullopt : std::optional(copy_of(*in.keep));
}

LayerSpec layer_of(const attest_layer& in) {
  LayerSpec layer;
  for (std::size_t i = 0; i < in.num_weights; ++i) {
    layer.weights.emplace(in.weights[i].name, copy_of(*in.weights[i].tensor));
  }
  layer.config = config_of(in, layer.weights);
  if (in.cos != nullptr) layer.tables = tables_of(*in.cos, *in.sin);
  return layer;
}

Inputs inputs_of(const attest_layer& in) {
  Inputs inputs;
  inputs.x = copy_of(*in.x);
  if (in.y == nullptr) {
    inputs.y = AbsentY{};
  } else if (in.y == in.x) {
    inputs.y = SameAsX{};
  } else {
    inputs.y = copy_of(*in.y);
  }
  inputs.mask = any_mask_of(in);
  if (in.keep != nullptr) inputs.keep = copy_of(*in.keep);
  if (in.x_positions != nullptr) inputs.input_pos = input_pos_of(in);
  return inputs;
}

}  // namespace attest::builtin
