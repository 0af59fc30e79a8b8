#include "harness/isolation/library_calls.h"

#include <algorithm>
#include <cmath>
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

void add_mask(PreparedCall& prepared, const Mask& mask) {
  const auto add = [&](const Tensor& values) { prepared.call.buffers.push_back(readable("mask", values)); };
  std::visit(overloaded{[](const NoMask&) {}, [&](const BoolMask& given) { add(given.values); },
                        [&](const FloatMask& given) { add(given.values); },
                        [&](const PackedBlockCausalMask& given) {
                          prepared.made.push_back(block_causal_mask(given));
                          add(prepared.made.back());
                        }},
             mask);
}

void add_tables(LibraryCall& call, const RotaryTables& tables) {
  call.buffers.push_back(readable("cos", tables.cos));
  call.buffers.push_back(readable("sin", tables.sin));
}

void add_configuration(LibraryCall& call, const Config& config) {
  call.numbers = {{"embed_dim", config.embed_dim},
                  {"num_heads", config.num_heads},
                  {"num_kv_heads", config.num_kv_heads},
                  {"head_dim", config.head_dim},
                  {"pairing", pairing_of(config.pos_embeddings)},
                  {"has_norm", std::holds_alternative<NoNorm>(config.q_norm) ? 0 : 1},
                  {"q_norm_eps", eps_of(config.q_norm)},
                  {"k_norm_eps", eps_of(config.k_norm)}};
}

void add_rotary(PreparedCall& prepared, const LayerSpec& layer, const Inputs& inputs) {
  if (!rotary_extent(layer.config.pos_embeddings)) return;
  const Tensor* input_pos = inputs.input_pos ? &*inputs.input_pos : nullptr;
  const auto add_positions = [&](const char* name, const Tensor& tokens) {
    prepared.made.push_back(positions_of(tokens, layer.config.pos_embeddings, input_pos));
    prepared.call.buffers.push_back(readable(name, prepared.made.back()));
  };
  add_tables(prepared.call, *layer.tables);
  add_positions("x_positions", inputs.x);
  if (const Tensor* y = key_value_input(inputs)) add_positions("y_positions", *y);
}

void add_results(LibraryCall& call, const Config& config, const Inputs& inputs) {
  for (const auto& [stage, shape] : stage_shapes(config, inputs)) {
    if (stage == Stage::k_cache || stage == Stage::v_cache) continue;
    const std::string name = stage == Stage::output ? "output" : "stages/" + std::string(name_of(stage));
    call.buffers.push_back(writable(name, config.dtype, shape));
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
  Shape shape = inputs.x.shape();
  shape.back() = inputs.weight.dim(0);
  PreparedCall prepared{{"linear", {readable("x", inputs.x), readable("weight", inputs.weight)}, {}}, {}};
  auto& buffers = prepared.call.buffers;
  if (inputs.bias != nullptr) buffers.push_back(readable("bias", *inputs.bias));
  buffers.push_back(writable("out", inputs.x.dtype(), shape));
  return prepared;
}

PreparedCall prepared(const RotaryInputs& inputs) {
  PreparedCall prepared{{"rotary", {readable("x", inputs.x)}, {{"pairing", pairing_of(inputs.embedding)}}}, {}};
  add_tables(prepared.call, inputs.tables);
  prepared.made.push_back(positions_of(inputs.x, inputs.embedding, inputs.input_pos));
  prepared.call.buffers.push_back(readable("positions", prepared.made.back()));
  prepared.call.buffers.push_back(writable("out", inputs.x.dtype(), inputs.x.shape()));
  return prepared;
}

PreparedCall prepared(const NormInputs& inputs) {
  return {
      {"norm",
       {readable("x", inputs.x), readable("scale", inputs.scale), writable("out", inputs.x.dtype(), inputs.x.shape())},
       {{"eps", eps_of(inputs.norm)}}},
      {}};
}

PreparedCall prepared(const AttentionInputs& inputs) {
  PreparedCall prepared{{"attention", {readable("q", inputs.q), readable("k", inputs.k), readable("v", inputs.v)}, {}},
                        {}};
  add_mask(prepared, inputs.mask);
  prepared.call.buffers.push_back(writable("out", inputs.q.dtype(), inputs.q.shape()));
  prepared.call.numbers = {{"is_causal", inputs.is_causal ? 1 : 0},
                           {"scale", 1.0 / std::sqrt(static_cast<double>(inputs.q.dim(3)))}};
  return prepared;
}

PreparedCall prepared(const LayerSpec& layer, const Inputs& inputs, const LibraryCache* cache) {
  PreparedCall prepared;
  LibraryCall& call = prepared.call;
  call.function = "layer";
  add_configuration(call, layer.config);
  call.numbers["is_causal"] = attends_causally(layer.config, inputs) ? 1 : 0;
  call.numbers["y_is_x"] = std::holds_alternative<SameAsX>(inputs.y) ? 1 : 0;
  call.buffers.push_back(readable("x", inputs.x));
  if (const auto* y = std::get_if<Tensor>(&inputs.y)) call.buffers.push_back(readable("y", *y));
  add_mask(prepared, inputs.mask);
  for (const auto& [name, weight] : layer.weights) call.buffers.push_back(readable("weights/" + name, weight));
  add_rotary(prepared, layer, inputs);
  if (cache != nullptr) {
    call.numbers["cache_filled"] = static_cast<double>(cache->filled);
    call.buffers.push_back(updatable("k_cache", cache->k_cache));
    call.buffers.push_back(updatable("v_cache", cache->v_cache));
  }
  add_results(call, layer.config, inputs);
  return prepared;
}

}  // namespace attest::harness
