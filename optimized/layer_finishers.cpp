#include "optimized/layer_finishers.h"

namespace attest::optimized {
namespace {

HeadFinisher::Settings settings(const PackedLayer& layer, const Tensor& source, std::int64_t heads) {
  HeadFinisher::Settings settings;
  settings.tokens = static_cast<std::size_t>(source.dim(1));
  settings.heads = static_cast<std::size_t>(heads);
  settings.head_dim = layer.head_dim;
  return settings;
}

/// Rotary embedding and norm: what values do not get.
void turn_and_normalise(HeadFinisher::Settings& settings, const PackedLayer& layer, const NormSettings& norm,
                        std::span<const std::int64_t> at) {
  settings.pairing = pairing_of(layer.spec.config.pos_embeddings);
  settings.tables = layer.spec.tables ? &*layer.spec.tables : nullptr;
  settings.positions = at;
  settings.norm_scale = norm.scale_or_null();
  settings.norm_eps = norm.eps;
}

struct StageNames {
  Stage projected, rotated, normalised;
};

HeadCaptures captures(Stages* stages, const StageNames& names, const HeadFinisher::Settings& settings, std::int64_t b) {
  const auto s = static_cast<std::int64_t>(settings.tokens), n = static_cast<std::int64_t>(settings.heads),
             h_d = static_cast<std::int64_t>(settings.head_dim);
  return {
      .projected = stage(stages, names.projected, true, {b, s, n * h_d}),
      .rotated = stage(stages, names.rotated, settings.pairing != Pairing::none, {b, s, n, h_d}),
      .normalised = stage(stages, names.normalised, settings.norm_scale != nullptr, {b, n, s, h_d}),
  };
}

}  // namespace

float* stage(Stages* stages, Stage name, bool exists, std::initializer_list<std::int64_t> shape) {
  if (stages == nullptr || !exists) return nullptr;
  return stages->insert_or_assign(name, Tensor(DType::float32, Shape(shape))).first->second.as<float>().data();
}

HeadFinisher query_finisher(const PackedLayer& layer, const Tensor& x, std::span<const std::int64_t> at, HeadRows* rows,
                            Stages* stages) {
  auto query = settings(layer, x, layer.spec.config.num_heads);
  turn_and_normalise(query, layer, layer.q_norm, at);
  const StageNames names{Stage::q_proj, Stage::q_rope, Stage::q_norm};
  return {layer.kernels, query, {.rows = rows}, captures(stages, names, query, x.dim(0))};
}

KeyValueFinishers key_value_finishers(const PackedLayer& layer, const Tensor& y, std::span<const std::int64_t> at,
                                      const KeyValueSlots& slots, Stages* stages) {
  const auto value = settings(layer, y, layer.spec.config.num_kv_heads);
  auto key = value;
  turn_and_normalise(key, layer, layer.k_norm, at);
  const HeadCaptures keys = captures(stages, {Stage::k_proj, Stage::k_rope, Stage::k_norm}, key, y.dim(0));
  const HeadCaptures values{.projected =
                                stage(stages, Stage::v_proj, true,
                                      {y.dim(0), y.dim(1), std::get<Linear>(layer.spec.config.v_proj).out_features})};
  return {{layer.kernels, key, {.keys = slots.panels, .first_slot = slots.first}, keys},
          {layer.kernels, value, {.values = slots.panels, .first_slot = slots.first}, values}};
}

}  // namespace attest::optimized
