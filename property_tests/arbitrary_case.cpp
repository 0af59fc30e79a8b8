#include "property_tests/arbitrary_case.h"

#include "fixtures/block_mask.h"
#include "fixtures/generator.h"
#include "fixtures/layer_shapes.h"

namespace attest::property_tests {
namespace {

/// Bool bytes are 0 or 1.
Tensor random_bits(DType dtype, const Shape& shape, std::uint64_t seed) {
  Tensor tensor(dtype, shape);
  std::uint64_t index = 0;
  for (auto& byte : tensor.bytes()) {
    const auto bits = counter_bits(seed, 0, index++);
    byte = static_cast<std::byte>(dtype == DType::boolean ? bits & 1u : bits & 0xFFu);
  }
  return tensor;
}

constexpr std::int64_t kTableRows = 16, kCacheSlots = 12;

PosEmbeddings pos_embeddings(int arm, std::int64_t dim) {
  switch (arm) {
    case 1:
      return RotaryPositionalEmbeddings{dim, kTableRows, 10'000.0};
    case 2:
      return Llama3ScaledRoPE{dim, kTableRows, 500'000.0, 8.0, 1.0, 4.0, 8192};
    case 3:
      return Phi3RotaryPositionalEmbeddings{dim, kTableRows, 10'000.0};
    case 4:
      return Qwen2RotaryPositionalEmbeddings{dim, kTableRows, 1'000'000.0};
    default:
      return NoPosEmbeddings{};
  }
}

class CaseBuilder {
 public:
  explicit CaseBuilder(const ArbitraryCase& choice) : choice_(choice) {}

  Case build() {
    Case item;
    item.name = "arbitrary/case";
    item.description = "Random bits, β and all.";
    item.family = "randn";
    item.provenance = {{"empty", ""}, {"lines", "one\ntwo"}};
    item.layer = layer();
    item.steps.push_back(step(choice_.y == 2 ? 0 : choice_.y));
    if (choice_.y == 2 && choice_.cache == 1) item.steps.push_back(step(2));
    if (choice_.error) item.steps.push_back(refused_step());
    return item;
  }

 private:
  Tensor bits(DType dtype, const Shape& shape) { return random_bits(dtype, shape, choice_.seed * 1000 + ++drawn_); }

  LayerSpec layer() {
    const auto h_d = 2 * choice_.half_head_dim, n_h = choice_.n_kv * choice_.q_per_kv, d = n_h * choice_.half_head_dim;
    LayerSpec layer;
    auto& config = layer.config;
    config.embed_dim = d;
    config.num_heads = n_h;
    config.num_kv_heads = choice_.n_kv;
    config.head_dim = h_d;
    config.dtype = choice_.dtype;
    config.q_proj = Linear{d, n_h * h_d, choice_.bias};
    config.k_proj = config.v_proj = Linear{d, choice_.n_kv * h_d, choice_.bias};
    config.output_proj = Linear{n_h * h_d, d + 1, false};
    config.pos_embeddings = pos_embeddings(choice_.pos_embeddings, h_d);
    if (choice_.norm) config.q_norm = config.k_norm = RMSNorm{h_d, 1e-5};
    if (choice_.later_fields) {
      config.scale = 0.375;
      config.norm_order = NormOrder::before_pos_embeddings;
      config.flex_attention = true;
    }
    config.training = choice_.dropout;
    config.attn_dropout = choice_.dropout ? 0.25 : 0;
    if (choice_.cache != 0) config.kv_cache = KVCache{choice_.b, kCacheSlots, choice_.cache == 1};
    for (const auto& [name, shape] : parameter_shapes(config)) layer.weights[name] = bits(config.dtype, shape);
    if (choice_.pos_embeddings != 0) {
      layer.tables = {bits(DType::float32, {h_d / 2}), bits(DType::float32, {kTableRows, h_d / 2}),
                      bits(DType::float32, {kTableRows, h_d / 2})};
    }
    config_ = config;
    return layer;
  }

  Mask mask(const Shape& shape) {
    if (choice_.mask == 1) return BoolMask{bits(DType::boolean, shape)};
    if (choice_.mask == 2) return FloatMask{bits(DType::float32, {1, 1, shape[2]})};
    if (choice_.mask == 3) {
      Tensor seq_lens(DType::int64, {shape[0], 3});
      for (std::int64_t sample = 0; sample < shape[0]; ++sample) {
        seq_lens.as<std::int64_t>()[static_cast<std::size_t>(3 * sample + sample % 3)] = shape[1];
      }
      return PackedBlockCausalMask{seq_lens};
    }
    if (choice_.mask == 4)
      return block_mask_of(bits(DType::boolean, {1, choice_.n_kv * choice_.q_per_kv, shape[1], shape[2]}), {2, 3});
    return NoMask{};
  }

  Step step(int y) {
    Step step;
    auto& inputs = step.inputs;
    inputs.x = bits(choice_.dtype, {choice_.b, choice_.s_x, config_.embed_dim});
    if (y == 1) inputs.y = bits(choice_.dtype, {choice_.b, choice_.s_y, config_.embed_dim});
    if (y == 2) inputs.y = AbsentY{};
    const auto keys = choice_.cache == 1 ? kCacheSlots : y == 1 ? choice_.s_y : choice_.s_x;
    inputs.mask = mask({choice_.b, choice_.s_x, keys});
    if (choice_.dropout) {
      inputs.keep = bits(DType::boolean, {choice_.b, choice_.n_kv * choice_.q_per_kv, choice_.s_x, keys});
    }
    if (choice_.input_pos && y != 1) inputs.input_pos = Tensor(DType::int32, {1, choice_.s_x});
    for (const auto& [stage, shape] : stage_shapes(config_, inputs)) {
      step.expected[stage] = bits(choice_.dtype, shape);
      step.truth[stage] = bits(DType::float64, shape);
    }
    return step;
  }

  Step refused_step() {
    Step step;
    step.inputs.x = bits(choice_.dtype, {choice_.b, config_.embed_dim});
    step.error =
        RaisedError{RaisedError::Where::forward, "ValueError", "not enough values to unpack (expected 3, got 2)", "x"};
    return step;
  }

  ArbitraryCase choice_;
  Config config_;
  std::uint64_t drawn_ = 0;
};

}  // namespace

Case arbitrary_case(const ArbitraryCase& choice) { return CaseBuilder(choice).build(); }

}  // namespace attest::property_tests
