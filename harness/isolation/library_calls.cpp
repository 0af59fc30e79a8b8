#include "harness/isolation/library_calls.h"

#include <algorithm>
#include <functional>
#include <string_view>

#include "fixtures/layer_shapes.h"
#include "fixtures/overloaded.h"
#include "fixtures/packed_documents.h"
#include "fixtures/validate.h"
#include "harness/attest_implementation.h"

namespace attest::harness {
namespace {

attest_pairing pairing_of(const PosEmbeddings& embedding) {
  return std::visit(overloaded{[](const NoPosEmbeddings&) { return ATTEST_NO_ROTARY; },
                               [](const RotaryPositionalEmbeddings&) { return ATTEST_INTERLEAVED; },
                               [](const Llama3ScaledRoPE&) { return ATTEST_INTERLEAVED; },
                               [](const Phi3RotaryPositionalEmbeddings&) { return ATTEST_HALVES; },
                               [](const Qwen2RotaryPositionalEmbeddings&) { return ATTEST_HALVES_ROUNDED; }},
                    embedding);
}

double eps_of(const Norm& norm) {
  return std::visit(overloaded{[](const NoNorm&) { return 0.0; }, [](const RMSNorm& rms) { return rms.eps; }}, norm);
}

/// [b, s] int64
Tensor positions_of(const Tensor& tokens, const PosEmbeddings& embedding, const Tensor* input_pos) {
  Tensor positions(DType::int64, {tokens.dim(0), tokens.dim(1)});
  const auto resolved =
      resolve_positions(input_pos, tokens.dim(0), tokens.dim(1), rotary_extent(embedding)->max_seq_len);
  std::ranges::copy(resolved, positions.as<std::int64_t>().begin());
  return positions;
}

template <class Arguments>
void add_mask(CallOf<Arguments>& call, const Mask& mask) {
  constexpr auto field = &Arguments::mask;
  std::visit(overloaded{[](const NoMask&) {}, [&](const BoolMask& given) { call.reads(field, given.values); },
                        [&](const FloatMask& given) { call.reads(field, given.values); },
                        [&](const PackedBlockCausalMask& given) { call.reads(field, block_causal_mask(given)); },
                        [&](const BlockMask& given) {
                          call.reads(&Arguments::kv_num_blocks, given.kv_num_blocks);
                          call.reads(&Arguments::kv_indices, given.kv_indices);
                          call.reads(&Arguments::full_kv_num_blocks, given.full_kv_num_blocks);
                          call.reads(&Arguments::full_kv_indices, given.full_kv_indices);
                          call.reads(&Arguments::partial_blocks, given.partial_blocks);
                        }},
             mask);
}

template <class Arguments>
void add_dropout(CallOf<Arguments>& call, const Tensor* keep, double p) {
  if (keep != nullptr) call.reads(&Arguments::keep, *keep);
  call.number(&Arguments::dropout_p, keep == nullptr ? 0.0 : p);
}

template <class Arguments>
void add_tables(CallOf<Arguments>& call, const RotaryTables& tables) {
  call.reads(&Arguments::cos, tables.cos);
  call.reads(&Arguments::sin, tables.sin);
}

using LayerCall = CallOf<attest_layer>;

void add_configuration(LayerCall& call, const Config& config) {
  call.number(&attest_layer::embed_dim, config.embed_dim);
  call.number(&attest_layer::num_heads, config.num_heads);
  call.number(&attest_layer::num_kv_heads, config.num_kv_heads);
  call.number(&attest_layer::head_dim, config.head_dim);
  call.number(&attest_layer::pairing, pairing_of(config.pos_embeddings));
  call.number(&attest_layer::has_norm, std::holds_alternative<NoNorm>(config.q_norm) ? 0 : 1);
  call.number(&attest_layer::q_norm_eps, eps_of(config.q_norm));
  call.number(&attest_layer::k_norm_eps, eps_of(config.k_norm));
  call.number(&attest_layer::scale, score_scale(config.scale, config.head_dim));
  call.number(&attest_layer::norm_order, config.norm_order == NormOrder::before_pos_embeddings
                                             ? ATTEST_NORM_BEFORE_ROTARY
                                             : ATTEST_NORM_AFTER_ROTARY);
}

void add_tokens(LayerCall& call, const Inputs& inputs) {
  call.reads(&attest_layer::x, inputs.x);
  if (const auto* y = std::get_if<Tensor>(&inputs.y)) call.reads(&attest_layer::y, *y);
  if (std::holds_alternative<SameAsX>(inputs.y)) call.reads_same(&attest_layer::y, &attest_layer::x);
}

void add_rotary(LayerCall& call, const LayerSpec& layer, const Inputs& inputs) {
  const PosEmbeddings& embedding = layer.config.pos_embeddings;
  if (!rotary_extent(embedding)) return;
  const Tensor* input_pos = inputs.input_pos ? &*inputs.input_pos : nullptr;
  add_tables(call, *layer.tables);
  call.reads(&attest_layer::x_positions, positions_of(inputs.x, embedding, input_pos));
  if (const Tensor* y = key_value_input(inputs)) {
    call.reads(&attest_layer::y_positions, positions_of(*y, embedding, input_pos));
  }
}

void add_cache(LayerCall& call, const LibraryCache* cache) {
  call.number(&attest_layer::cache_filled, cache == nullptr ? 0 : cache->filled);
  if (cache == nullptr) return;
  call.updates(&attest_layer::k_cache, cache->k_cache);
  call.updates(&attest_layer::v_cache, cache->v_cache);
}

void add_results(LayerCall& call, const Config& config, const Inputs& inputs) {
  for (const auto& [stage, shape] : stage_shapes(config, inputs)) {
    if (stage == Stage::k_cache || stage == Stage::v_cache) continue;
    if (stage == Stage::output) call.writes(&attest_layer::output, config.dtype, shape);
    if (stage != Stage::output) call.writes(&attest_layer::stages, name_of(stage), config.dtype, shape);
  }
}

}  // namespace

std::size_t seed_of(const LibraryCall& call) {
  for (const auto& buffer : call.buffers) {
    if (buffer.content == nullptr) continue;
    const auto bytes = buffer.content->bytes().first(std::min<std::size_t>(buffer.bytes(), 256));
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  return 0;
}

PreparedCall prepared(const LinearInputs& inputs) {
  CallOf call(&attest_implementation::linear);
  call.reads(&attest_linear::x, inputs.x);
  call.reads(&attest_linear::weight, inputs.weight);
  if (inputs.bias != nullptr) call.reads(&attest_linear::bias, *inputs.bias);
  Shape shape = inputs.x.shape();
  shape.back() = inputs.weight.dim(0);
  call.writes(&attest_linear::out, inputs.x.dtype(), shape);
  return std::move(call).prepared();
}

PreparedCall prepared(const RotaryInputs& inputs) {
  CallOf call(&attest_implementation::rotary);
  call.reads(&attest_rotary::x, inputs.x);
  call.number(&attest_rotary::pairing, pairing_of(inputs.embedding));
  add_tables(call, inputs.tables);
  call.reads(&attest_rotary::positions, positions_of(inputs.x, inputs.embedding, inputs.input_pos));
  call.writes(&attest_rotary::out, inputs.x.dtype(), inputs.x.shape());
  return std::move(call).prepared();
}

PreparedCall prepared(const NormInputs& inputs) {
  CallOf call(&attest_implementation::norm);
  call.reads(&attest_norm::x, inputs.x);
  call.reads(&attest_norm::scale, inputs.scale);
  call.number(&attest_norm::eps, eps_of(inputs.norm));
  call.writes(&attest_norm::out, inputs.x.dtype(), inputs.x.shape());
  return std::move(call).prepared();
}

PreparedCall prepared(const AttentionInputs& inputs) {
  CallOf call(&attest_implementation::attention);
  call.reads(&attest_attention::q, inputs.q);
  call.reads(&attest_attention::k, inputs.k);
  call.reads(&attest_attention::v, inputs.v);
  add_mask(call, inputs.mask);
  call.number(&attest_attention::is_causal, inputs.is_causal ? 1 : 0);
  call.number(&attest_attention::scale, score_scale(inputs.scale, inputs.q.dim(3)));
  add_dropout(call, inputs.keep, inputs.dropout_p);
  call.writes(&attest_attention::out, inputs.q.dtype(), inputs.q.shape());
  return std::move(call).prepared();
}

PreparedCall prepared(const LayerSpec& layer, const Inputs& inputs, const LibraryCache* cache) {
  CallOf call(&attest_implementation::layer);
  add_configuration(call, layer.config);
  call.number(&attest_layer::is_causal, attends_causally(layer.config, inputs) ? 1 : 0);
  add_tokens(call, inputs);
  add_mask(call, inputs.mask);
  add_dropout(call, inputs.keep ? &*inputs.keep : nullptr, layer.config.attn_dropout);
  for (const auto& [name, weight] : layer.weights) call.reads(&attest_layer::weights, name, weight);
  add_rotary(call, layer, inputs);
  add_cache(call, cache);
  add_results(call, layer.config, inputs);
  return std::move(call).prepared();
}

}  // namespace attest::harness
