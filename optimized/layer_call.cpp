#include "optimized/layer_call.h"

#include <algorithm>
#include <array>

#include "fixtures/layer_shapes.h"
#include "fixtures/validate.h"

namespace attest::optimized {
namespace {

RowMatrix<float> rows_of(const Tensor& x, const Range& samples) {
  const auto tokens = static_cast<std::size_t>(x.dim(1)), width = static_cast<std::size_t>(x.dim(2));
  const std::size_t first = samples.first * tokens;
  return {.data = x.as<float>().data() + first * width,
          .rows = samples.count * tokens,
          .depth = width,
          .stride = width,
          .first_row = first};
}

}  // namespace

LayerCall::LayerCall(const PackedLayer& layer, LayerMemory& memory, const CallPlan& plan, const Inputs& inputs,
                     Tensor& output, Stages* stages)
    : layer_(layer),
      memory_(memory),
      plan_(plan),
      inputs_(inputs),
      y_(key_value_input(inputs)),
      out_(output.as<float>().data()) {
  memory.workspace.reserve(plan.workspace.total);
  queries_ = query_finishing(layer, inputs.x, positions(inputs.x, memory.x_positions), stages);
  if (y_ != nullptr) {
    keys_ = key_finishing(layer, *y_, positions(*y_, memory.y_positions), stages);
    values_ = value_finishing(layer, *y_, stages);
  }
  const Config& config = layer.spec.config;
  attention_stage_ =
      stage(stages, Stage::attention, true, {inputs.x.dim(0), config.num_heads, inputs.x.dim(1), config.head_dim});
}

/// Of a tensor's tokens, if anything is rotated.
std::span<const std::int64_t> LayerCall::positions(const Tensor& tokens, std::vector<std::int64_t>& resolved) const {
  const auto rotary = rotary_extent(layer_.spec.config.pos_embeddings);
  if (!rotary) return {};
  const Tensor* input_pos = inputs_.input_pos ? &*inputs_.input_pos : nullptr;
  resolve_positions(input_pos, tokens.dim(0), tokens.dim(1), rotary->max_seq_len, resolved);
  return resolved;
}

/// Queries, and in their place the attention's output.
HeadRows<float> LayerCall::head_rows(const Range& samples) const {
  const std::size_t width = layer_.q_proj.out_features(), out_width = layer_.output_proj.out_features();
  const std::size_t token_stride = plan_.queries_in_output ? out_width : width;
  return {.data = plan_.queries_in_output ? out_ : memory_.workspace.data() + plan_.workspace.queries,
          .sample_stride = plan_.tokens * token_stride,
          .token_stride = token_stride,
          .head_stride = layer_.head_dim,
          .first_sample = plan_.queries_in_output ? 0 : samples.first};
}

void LayerCall::multiply(const RowMatrix<float>& rows, std::span<const Projection> projections, Part part) {
  multiply_rows(layer_.execution, rows, projections, part, scratch(), memory_.clock);
}

void LayerCall::project(const Portion& portion) {
  const bool cached = memory_.cache.enabled();
  if (!cached && y_ != nullptr) {
    memory_.fresh.place(portion, {.capacity = plan_.added, .head_dim = layer_.head_dim},
                        memory_.workspace.data() + plan_.workspace.keys_values);
  }
  const KernelTable& kernels = layer_.execution.kernels;
  const std::size_t slot = memory_.cache.filled(), head_dim = layer_.head_dim;
  const HeadFinisher queries(kernels, queries_, {.rows = head_rows(portion.samples)});
  const HeadFinisher keys(kernels, keys_, {.rows = {}, .keys = &panels(), .first_slot = slot});
  const HeadFinisher values(kernels, values_, {.rows = {}, .values = &panels(), .first_slot = slot});
  const Range columns{portion.heads.first * head_dim, portion.heads.count * head_dim};
  const std::array projections{Projection{&layer_.q_proj, layer_.q_proj.all_columns(), &queries},
                               Projection{&layer_.k_proj, columns, &keys},
                               Projection{&layer_.v_proj, columns, &values}};
  const std::span all(projections);
  const bool with_queries = portion.heads.first == 0;
  if (with_queries && plan_.y_is_x) return multiply(rows_of(inputs_.x, portion.samples), all, Part::projections);
  if (with_queries) multiply(rows_of(inputs_.x, portion.samples), all.first(1), Part::projections);
  if (y_ != nullptr) multiply(rows_of(*y_, portion.samples), all.subspan(1), Part::projections);
}

void LayerCall::attend(const Portion& portion) {
  const HeadRows<float> rows = head_rows(portion.samples);
  optimized::attend(layer_.execution.kernels,
                    {.plan = plan_.attention,
                     .mask = memory_.mask,
                     .q = rows,
                     .out = rows,
                     .keys_values = panels(),
                     .dropout = {inputs_.keep ? &*inputs_.keep : nullptr, layer_.spec.config.attn_dropout},
                     .portion = portion,
                     .workspace = scratch()},
                    memory_.clock);
}

void LayerCall::project_output(const Range& samples) {
  if (attention_stage_ != nullptr) record_attention(samples);
  const HeadRows<float> rows = head_rows(samples);
  const RowFinisher finisher(layer_.execution.kernels, out_, layer_.output_proj.out_features());
  const Projection projection{&layer_.output_proj, layer_.output_proj.all_columns(), &finisher};
  multiply({.data = rows.at(samples.first, 0, 0),
            .rows = samples.count * plan_.tokens,
            .depth = layer_.output_proj.in_features(),
            .stride = rows.token_stride,
            .first_row = samples.first * plan_.tokens},
           {&projection, 1}, Part::output);
}

void LayerCall::record_attention(const Range& samples) const {
  const std::size_t tokens = plan_.tokens, heads = plan_.attention.shape.num_heads, rows = heads * tokens;
  const HeadRows<float> attended = head_rows(samples);
  for (std::size_t i = samples.first * rows; i < (samples.first + samples.count) * rows; ++i) {
    const float* row = attended.at(i / rows, i % tokens, i / tokens % heads);
    std::copy_n(row, layer_.head_dim, attention_stage_ + i * layer_.head_dim);
  }
}

}  // namespace attest::optimized
