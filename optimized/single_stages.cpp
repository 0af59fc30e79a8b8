#include <algorithm>

#include "fixtures/layer_shapes.h"
#include "fixtures/require.h"
#include "fixtures/validate.h"
#include "optimized/head_projection.h"
#include "optimized/kernel_tables.h"
#include "optimized/multi_head_attention.h"
#include "optimized/tiled_attention.h"

namespace attest::optimized {
namespace {

std::size_t extent(std::int64_t value) { return static_cast<std::size_t>(value); }

void require_shape(const std::string& field, const Tensor& tensor, const Shape& shape) {
  require(tensor.shape() == shape, field, to_string(shape), to_string(tensor.shape()));
  require(tensor.dtype() == DType::float32, field, "float32", std::string(name_of(tensor.dtype())));
}

void require_rank(const std::string& field, const Tensor& tensor, std::size_t least, std::size_t most) {
  require(tensor.rank() >= least && tensor.rank() <= most, field,
          "from " + std::to_string(least) + " to " + std::to_string(most) + " dimensions", to_string(tensor.shape()));
}

constexpr std::size_t kAnyRank = 64;

/// A row that lies contiguously, in the words of the kernels' product panels.
ProductRow contiguous(const KernelTable& kernels, const float* row, std::size_t columns) {
  return {row, kernels.panel_width, 0, columns};
}

}  // namespace

Tensor linear(const LinearInputs& inputs, Target target, const Resources& resources) {
  const Execution<float> execution(target, resources);
  require_rank("weight", inputs.weight, 2, 2);
  require_rank("x", inputs.x, 1, kAnyRank);
  const std::int64_t out_features = inputs.weight.dim(0), in_features = inputs.weight.dim(1);
  Shape shape = inputs.x.shape();
  shape.back() = in_features;
  require_shape("x", inputs.x, shape);
  require_shape("weight", inputs.weight, {out_features, in_features});
  if (inputs.bias != nullptr) require_shape("bias", *inputs.bias, {out_features});
  shape.back() = out_features;
  Tensor out(DType::float32, shape);
  if (inputs.x.size() == 0 || out.size() == 0) return out;

  const PackedLinear<float> packed(execution, inputs.weight, inputs.bias, 1);
  const RowFinisher finisher(execution.kernels, out.as<float>().data(), packed.out_features());
  const Projection projection{&packed, packed.all_columns(), &finisher};
  const RowMatrix<float> rows{.data = inputs.x.as<float>().data(),
                              .rows = extent(inputs.x.size() / in_features),
                              .depth = packed.in_features(),
                              .stride = packed.in_features()};
  AlignedBuffer workspace;
  workspace.reserve(product_workspace(execution, rows.rows, rows.depth, packed.widest_group()));
  CallClock untimed;
  multiply_rows(execution, rows, {&projection, 1}, Part::projections, workspace.data(), untimed);
  return out;
}

Tensor rotary(const RotaryInputs& inputs, Target target) {
  const KernelTable& kernels = kernels_of(target);
  require_rank("x", inputs.x, 4, 4);
  require_shape("x", inputs.x, inputs.x.shape());
  const Pairing pairing = pairing_of(inputs.embedding);
  require(pairing != Pairing::none, "pos_embeddings", "a rotary embedding", "none");
  const std::int64_t b = inputs.x.dim(0), s = inputs.x.dim(1), half = inputs.x.dim(3) / 2;
  const std::size_t heads = extent(inputs.x.dim(2)), head_dim = extent(inputs.x.dim(3));
  require_rank("cos", inputs.tables.cos, 2, 2);
  require_shape("cos", inputs.tables.cos, {inputs.tables.cos.dim(0), half});
  require_shape("sin", inputs.tables.sin, inputs.tables.cos.shape());
  const auto extents = rotary_extent(inputs.embedding);
  const auto positions = resolve_positions(inputs.input_pos, b, s, extents->max_seq_len);
  Tensor out(DType::float32, inputs.x.shape());
  for (std::size_t row = 0; row < positions.size() * heads; ++row) {
    const std::int64_t position = positions[row / heads];
    require(position < inputs.tables.cos.dim(0), "cos", "a row for every position used", std::to_string(position));
    HeadFinish finish;
    finish.pairing = pairing;
    finish.cos = inputs.tables.cos.as<float>().data() + position * half;
    finish.sin = inputs.tables.sin.as<float>().data() + position * half;
    const float* source = inputs.x.as<float>().data() + row * head_dim;
    kernels.finish_head(contiguous(kernels, source, head_dim), finish, out.as<float>().data() + row * head_dim);
  }
  return out;
}

Tensor norm(const NormInputs& inputs, Target target) {
  const KernelTable& kernels = kernels_of(target);
  require_rank("x", inputs.x, 1, kAnyRank);
  require_shape("x", inputs.x, inputs.x.shape());
  require_shape("scale", inputs.scale, {inputs.x.shape().back()});
  const auto* rms = std::get_if<RMSNorm>(&inputs.norm);
  require(rms != nullptr, "norm", "a norm", "none");
  Tensor out(DType::float32, inputs.x.shape());
  const std::size_t columns = extent(inputs.x.shape().back());
  HeadFinish finish;
  finish.norm_scale = inputs.scale.as<float>().data();
  finish.norm_eps = static_cast<float>(rms->eps);
  for (std::size_t at = 0; at < extent(out.size()); at += columns) {
    const float* source = inputs.x.as<float>().data() + at;
    kernels.finish_head(contiguous(kernels, source, columns), finish, out.as<float>().data() + at);
  }
  return out;
}

Tensor attention(const AttentionInputs& inputs, Target target, const Resources& resources) {
  const Execution<float> execution(target, resources);
  require_rank("q", inputs.q, 4, 4);
  require_rank("k", inputs.k, 4, 4);
  const Shape& q = inputs.q.shape();
  const std::int64_t n_kv = inputs.k.dim(1), s_k = inputs.k.dim(2);
  require_shape("q", inputs.q, q);
  require_shape("k", inputs.k, {q[0], n_kv, s_k, q[3]});
  require_shape("v", inputs.v, inputs.k.shape());
  require(n_kv > 0 && q[1] % n_kv == 0, "k", "a number of heads that divides " + std::to_string(q[1]),
          std::to_string(n_kv));
  validate_mask(inputs.mask, DType::float32, {q[0], q[1], q[2], s_k}, MaskBytes::validated);
  require(!inputs.is_causal || std::holds_alternative<NoMask>(inputs.mask), "is_causal", "no mask with it", "a mask");
  if (inputs.keep != nullptr) {
    require(inputs.keep->dtype() == DType::boolean && inputs.keep->shape() == Shape{q[0], q[1], q[2], s_k}, "keep",
            "bool " + to_string({q[0], q[1], q[2], s_k}), to_string(inputs.keep->shape()));
  }
  Tensor out(DType::float32, q);
  if (out.size() == 0) return out;

  const AttentionPlan plan({.samples = extent(q[0]),
                            .tokens = extent(q[2]),
                            .num_heads = extent(q[1]),
                            .num_kv_heads = extent(n_kv),
                            .head_dim = extent(q[3]),
                            .keys = extent(s_k),
                            .mask = class_of(inputs.mask, inputs.is_causal),
                            .score_scale = score_scale(inputs.scale, q[3]),
                            .mask_heads = heads_of(inputs.mask)},
                           execution);
  const Portion all{{0, plan.shape.samples}, {0, plan.shape.num_kv_heads}};
  const HeadShape head{.capacity = plan.shape.keys, .head_dim = plan.shape.head_dim};
  const std::size_t heads = plan.shape.samples * plan.shape.num_kv_heads;
  AlignedBuffer keys_values, workspace;
  KeyValuePanels<float> panels(execution.kernels);
  panels.place(all, head, keys_values.reserve(heads * KeyValuePanels<float>::size_of_head(execution.kernels, head)));
  panels.store(inputs.k, inputs.v, 0);
  std::ranges::copy(inputs.q.as<float>(), out.as<float>().begin());  // attention works in place
  const HeadRows<float> rows{.data = out.as<float>().data(),
                             .sample_stride = plan.shape.num_heads * plan.shape.tokens * plan.shape.head_dim,
                             .token_stride = plan.shape.head_dim,
                             .head_stride = plan.shape.tokens * plan.shape.head_dim};
  CallClock untimed;
  MaskMap mask(execution);
  mask.build(inputs.mask, plan, untimed);
  attend(execution.kernels,
         {.plan = plan,
          .mask = mask,
          .q = rows,
          .out = rows,
          .keys_values = panels,
          .dropout = {inputs.keep, inputs.dropout_p},
          .portion = all,
          .workspace = workspace.reserve(plan.workspace(all))},
         untimed);
  return out;
}

}  // namespace attest::optimized
