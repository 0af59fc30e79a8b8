#include "optimized/call_plan.h"

#include <algorithm>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"
#include "optimized/row_product.h"

namespace attest::optimized {
namespace {

std::size_t size(std::int64_t value) { return static_cast<std::size_t>(value); }

/// torchtune attends every slot of an enabled cache. Without a mask, those not yet filled all weigh exp(0).
AttentionShape attention_shape(const PackedLayer& layer, const LayerCache& cache, const Inputs& inputs,
                               std::size_t added) {
  const Config& config = layer.spec.config;
  const std::size_t seen = size(key_count(config, inputs));
  const bool only_filled = cache.enabled() && std::holds_alternative<NoMask>(inputs.mask);
  const std::size_t read = only_filled ? cache.filled() + added : seen;
  return {.samples = size(inputs.x.dim(0)),
          .tokens = size(inputs.x.dim(1)),
          .num_heads = size(config.num_heads),
          .num_kv_heads = size(config.num_kv_heads),
          .head_dim = layer.head_dim,
          .keys = read,
          .empty_slots = seen - read,
          .mask = class_of(inputs.mask, attends_causally(config, inputs)),
          .score_scale = score_scale(config.scale, config.head_dim),
          .mask_heads = heads_of(inputs.mask)};
}

/// All of them where they fit (so wherever several samples do), or a cache holds them anyway.
std::size_t kv_heads_at_once(const PackedLayer& layer, std::size_t bytes_a_head) {
  const std::size_t all = size(layer.spec.config.num_kv_heads);
  if (bytes_a_head == 0) return all;
  const std::size_t separable = layer.k_proj.separable_columns() / layer.head_dim;
  const std::size_t fit = layer.execution.blocking.key_value_bytes / bytes_a_head;
  return fit >= all ? all : std::max(fit / separable * separable, separable);
}

/// Floats that the passes of one portion need, one after the other.
std::size_t scratch_floats(const PackedLayer& layer, const CallPlan& plan) {
  const auto product = [&](std::size_t tokens, std::size_t depth,
                           std::initializer_list<const PackedLinear<float>*> linears) {
    std::size_t widest = 0;
    for (const PackedLinear<float>* linear : linears) widest = std::max(widest, linear->widest_group());
    return product_workspace(layer.execution, plan.samples_at_once * tokens, depth, widest);
  };
  const Portion portion{{0, plan.samples_at_once}, {0, plan.kv_heads_at_once}};
  return std::max({product(plan.tokens, layer.q_proj.in_features(), {&layer.q_proj, &layer.k_proj, &layer.v_proj}),
                   product(plan.added, layer.k_proj.in_features(), {&layer.k_proj, &layer.v_proj}),
                   product(plan.tokens, layer.output_proj.in_features(), {&layer.output_proj}),
                   plan.attention.workspace(portion)});
}

WorkspaceLayout lay_out(std::size_t queries, std::size_t keys_values, std::size_t scratch) {
  const auto whole_lines = [](std::size_t floats) { return (floats + 15) / 16 * 16; };
  WorkspaceLayout at;
  at.keys_values = at.queries + whole_lines(queries);
  at.scratch = at.keys_values + whole_lines(keys_values);
  at.total = at.scratch + scratch;
  return at;
}

}  // namespace

CallPlan plan_call(const PackedLayer& layer, const LayerCache& cache, const Inputs& inputs) {
  const Tensor* y = key_value_input(inputs);
  const std::size_t added = y == nullptr ? 0 : size(y->dim(1)), width = layer.q_proj.out_features();
  const AttentionShape shape = attention_shape(layer, cache, inputs, added);
  CallPlan plan{.samples = shape.samples,
                .tokens = shape.tokens,
                .added = added,
                .y_is_x = y == &inputs.x,
                .queries_in_output = width <= layer.output_proj.out_features(),
                .samples_at_once = shape.samples,
                .kv_heads_at_once = shape.num_kv_heads,
                .attention = AttentionPlan(shape, layer.execution),
                .workspace = {}};
  const bool keeps_none = y == nullptr || cache.enabled();
  const HeadShape head{.capacity = added, .head_dim = layer.head_dim};
  const std::size_t a_head = keeps_none ? 0 : KeyValuePanels<float>::size_of_head(layer.execution.kernels, head);
  const std::size_t queries = plan.queries_in_output ? 0 : plan.tokens * width;  // of one sample
  const std::size_t bytes = (queries + shape.num_kv_heads * a_head) * sizeof(float);
  if (bytes > 0) {
    plan.samples_at_once = std::clamp<std::size_t>(layer.execution.blocking.key_value_bytes / bytes, 1, plan.samples);
  }
  plan.kv_heads_at_once = kv_heads_at_once(layer, a_head * sizeof(float));
  plan.workspace = lay_out(plan.samples_at_once * queries, plan.samples_at_once * plan.kv_heads_at_once * a_head,
                           scratch_floats(layer, plan));
  return plan;
}

}  // namespace attest::optimized
