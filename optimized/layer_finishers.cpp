#include "optimized/layer_finishers.h"

namespace attest::optimized {
namespace {

/// Rows as they come out of the projection, which is what happens to values.
HeadFinishing plain_finishing(const PackedLayer& layer, const Tensor& source, std::int64_t heads) {
  return {.tokens = static_cast<std::size_t>(source.dim(1)),
          .heads = static_cast<std::size_t>(heads),
          .head_dim = layer.head_dim,
          .positions = {},
          .captures = {}};
}

struct StageNames {
  Stage projected, rotated, normalised;
};

/// With rotary embedding and norm.
HeadFinishing turned_finishing(const PackedLayer& layer, const Tensor& source, std::int64_t heads,
                               const NormSettings& norm, std::span<const std::int64_t> at, const StageNames& names,
                               Stages* stages) {
  HeadFinishing finishing = plain_finishing(layer, source, heads);
  finishing.pairing = pairing_of(layer.spec.config.pos_embeddings);
  finishing.tables = layer.spec.tables ? &*layer.spec.tables : nullptr;
  finishing.positions = at;
  finishing.norm_scale = norm.scale_or_null();
  finishing.norm_eps = norm.eps;
  finishing.norm_first = layer.spec.config.norm_order == NormOrder::before_pos_embeddings;
  const std::int64_t b = source.dim(0), s = source.dim(1), n = heads, h_d = layer.spec.config.head_dim;
  finishing.captures = {
      .projected = stage(stages, names.projected, true, {b, s, n * h_d}),
      .rotated = stage(stages, names.rotated, finishing.pairing != Pairing::none, {b, s, n, h_d}),
      .normalised = stage(stages, names.normalised, finishing.norm_scale != nullptr, {b, n, s, h_d}),
  };
  return finishing;
}

}  // namespace

float* stage(Stages* stages, Stage name, bool exists, std::initializer_list<std::int64_t> shape) {
  if (stages == nullptr || !exists) return nullptr;
  return stages->insert_or_assign(name, Tensor(DType::float32, Shape(shape))).first->second.as<float>().data();
}

HeadFinishing query_finishing(const PackedLayer& layer, const Tensor& x, std::span<const std::int64_t> at,
                              Stages* stages) {
  return turned_finishing(layer, x, layer.spec.config.num_heads, layer.q_norm, at,
                          {Stage::q_proj, Stage::q_rope, Stage::q_norm}, stages);
}

HeadFinishing key_finishing(const PackedLayer& layer, const Tensor& y, std::span<const std::int64_t> at,
                            Stages* stages) {
  return turned_finishing(layer, y, layer.spec.config.num_kv_heads, layer.k_norm, at,
                          {Stage::k_proj, Stage::k_rope, Stage::k_norm}, stages);
}

HeadFinishing value_finishing(const PackedLayer& layer, const Tensor& y, Stages* stages) {
  HeadFinishing finishing = plain_finishing(layer, y, layer.spec.config.num_kv_heads);
  const auto width = static_cast<std::int64_t>(layer.v_proj.out_features());
  finishing.captures.projected = stage(stages, Stage::v_proj, true, {y.dim(0), y.dim(1), width});
  return finishing;
}

}  // namespace attest::optimized
