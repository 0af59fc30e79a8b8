#include "harness/draw/drawn_layer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "fixtures/floating_point.h"
#include "fixtures/layer_shapes.h"
#include "harness/draw/counter_numbers.h"
#include "harness/draw/drawn_mask.h"
#include "reference/rotary_tables.h"

namespace attest::harness {
namespace {

PosEmbeddings pos_embeddings(const CaseDraw& draw) {
  const std::int64_t dim = draw.h_d, rows = position_rows(draw);
  switch (draw.rotary) {
    case RotaryKind::none:
      return NoPosEmbeddings{};
    case RotaryKind::interleaved:
      return RotaryPositionalEmbeddings{dim, rows};
    case RotaryKind::llama3:
      return Llama3ScaledRoPE{dim, rows};
    case RotaryKind::phi3:
      return Phi3RotaryPositionalEmbeddings{dim, rows};
    case RotaryKind::qwen2:
      return Qwen2RotaryPositionalEmbeddings{dim, rows};
  }
  return NoPosEmbeddings{};
}

Config config_of(const CaseDraw& draw) {
  const std::int64_t n_h = draw.num_heads(), d = n_h * draw.d_per_head;
  Config config;
  config.embed_dim = d;
  config.num_heads = n_h;
  config.num_kv_heads = draw.n_kv;
  config.head_dim = draw.h_d;
  config.is_causal = draw.mask == MaskKind::causal;
  config.dtype = draw.dtype;
  config.q_proj = Linear{d, n_h * draw.h_d, draw.bias};
  config.k_proj = config.v_proj = Linear{d, draw.n_kv * draw.h_d, draw.bias};
  config.output_proj = Linear{n_h * draw.h_d, d, draw.bias};
  config.pos_embeddings = pos_embeddings(draw);
  if (draw.norm) {
    config.q_norm = RMSNorm{draw.h_d, 1e-6};
    config.k_norm = RMSNorm{draw.h_d, 1e-2};  // neither is mistaken for the other
  }
  if (draw.norm_first) config.norm_order = NormOrder::before_pos_embeddings;
  config.scale = drawn_scale(draw);
  config.training = draw.dropout > 0;
  config.attn_dropout = dropout_p(draw);
  config.flex_attention = draw.mask == MaskKind::blocks;
  if (draw.has_cache()) config.kv_cache = KVCache{draw.b, draw.mask_columns(), true};
  return config;
}

std::uint64_t weight_stream(std::size_t number) { return static_cast<std::uint64_t>(DrawStream::weights) + number; }

/// Weights that keep the size of what they project; scales near 1; biases near 0.5.
std::vector<double> random_weight(const CaseDraw& draw, std::string_view name, const Shape& shape, std::size_t number) {
  CounterNumbers from(draw.seed, weight_stream(number));
  std::vector<double> values(static_cast<std::size_t>(element_count(shape)));
  const bool is_scale = name.ends_with(".scale");
  const double size = name.ends_with(".bias") ? 0.5 : is_scale ? 0.2 : 1 / std::sqrt(static_cast<double>(shape.back()));
  for (double& value : values) value = (is_scale ? 1.0 : 0.0) + size * from.normal();
  return values;
}

/// [n h_d, d]: picks its part of x.
std::vector<double> selection(const Shape& shape, std::int64_t first_column) {
  std::vector<double> values(static_cast<std::size_t>(element_count(shape)));
  for (std::int64_t row = 0; row < shape[0]; ++row) {
    values[static_cast<std::size_t>(row * shape[1] + first_column + row)] = 1.0;
  }
  return values;
}

std::vector<double> weight_values(const CaseDraw& draw, std::string_view name, const Shape& shape, std::size_t number) {
  if (input_family(draw.family).selects()) {
    const SelectedColumns columns = selected_columns(draw);
    if (name == "q_proj.weight") return selection(shape, 0);
    if (name == "k_proj.weight") return selection(shape, columns.k);
    if (name == "v_proj.weight") return selection(shape, columns.v);
  }
  return random_weight(draw, name, shape, number);
}

void plant_nan(const CaseDraw& draw, Weights& weights) {
  auto from = numbers(draw.seed, DrawStream::nan);
  constexpr std::string_view kProjections[] = {"q_proj", "k_proj", "v_proj", "output_proj"};
  Tensor& weight = weights.at(std::string(kProjections[from.below(4)]) + ".weight");
  std::vector<double> values = to_doubles(weight);
  values[static_cast<std::size_t>(from.below(weight.size()))] = std::numeric_limits<double>::quiet_NaN();
  weight = rounded_tensor(weight.dtype(), weight.shape(), values);
}

}  // namespace

Tensor rounded_tensor(DType dtype, Shape shape, const std::vector<double>& values) {
  Tensor tensor(dtype, std::move(shape));
  visit_floating_point(tensor, [&]<class Stored>(std::span<Stored> elements) {
    std::ranges::transform(values, elements.begin(), converted<Stored, double>);
  });
  return tensor;
}

SelectedColumns selected_columns(const CaseDraw& draw) {
  const std::int64_t q = draw.num_heads() * draw.h_d, kv = draw.n_kv * draw.h_d;
  return {q, q + kv, q + 2 * kv};
}

std::optional<double> drawn_scale(const CaseDraw& draw) {
  if (draw.scale == 0) return std::nullopt;
  return static_cast<double>(draw.scale) / 8.0 * score_scale(std::nullopt, draw.h_d);
}

double dropout_p(const CaseDraw& draw) { return static_cast<double>(draw.dropout) / 100; }

LayerSpec drawn_layer(const CaseDraw& draw) {
  LayerSpec layer;
  if (draw.alone) {
    layer.config.dtype = draw.dtype;
    layer.config.training = draw.dropout > 0;
    layer.config.attn_dropout = dropout_p(draw);
    layer.config.flex_attention = draw.mask == MaskKind::blocks;
    return layer;
  }
  layer.config = config_of(draw);
  std::size_t number = 0;
  for (const auto& [name, shape] : parameter_shapes(layer.config)) {
    layer.weights[name] = rounded_tensor(draw.dtype, shape, weight_values(draw, name, shape, number++));
  }
  if (input_family(draw.family).nan_in_weights) plant_nan(draw, layer.weights);
  if (const auto rotary = rotary_extent(layer.config.pos_embeddings)) {
    layer.tables = reference::build_rotary_tables(layer.config.pos_embeddings, rotary->max_seq_len);
  }
  return layer;
}

}  // namespace attest::harness
