#include "optimized/multi_head_attention.h"

#include <algorithm>
#include <array>

#include "fixtures/require.h"
#include "fixtures/validate.h"
#include "optimized/layer_call.h"

namespace attest::optimized {
namespace {

void check_output(const PackedLayer& layer, const Inputs& inputs, const Tensor& output) {
  const std::array wanted{inputs.x.dim(0), inputs.x.dim(1),
                          static_cast<std::int64_t>(layer.output_proj.out_features())};
  require(
      std::ranges::equal(output.shape(), wanted) && output.dtype() == DType::float32, "output",
      [&] { return "float32 " + to_string(Shape(wanted.begin(), wanted.end())); },
      [&] { return std::string(name_of(output.dtype())) + " " + to_string(output.shape()); });
}

void record(const LayerCache& cache, const Tensor& output, Stages& stages) {
  if (cache.enabled()) {
    stages.insert_or_assign(Stage::k_cache, cache.panels().keys_tensor());
    stages.insert_or_assign(Stage::v_cache, cache.panels().values_tensor());
  }
  stages.insert_or_assign(Stage::output, output);
}

}  // namespace

struct MultiHeadAttention::State {
  State(const LayerSpec& spec, Target target, const Resources& resources) : layer(spec, {target, resources}) {}

  const PackedLayer layer;
  LayerMemory memory{layer};
};

MultiHeadAttention::MultiHeadAttention(const LayerSpec& layer, Target target, const Resources& resources)
    : state_(std::make_unique<State>(layer, target, resources)) {}

MultiHeadAttention::~MultiHeadAttention() = default;

void MultiHeadAttention::forward(const Inputs& inputs, Tensor& output, Stages* stages, PartTimes* times) {
  const PackedLayer& layer = state_->layer;
  LayerMemory& memory = state_->memory;
  memory.clock.start(times);
  validate_call(layer.spec, inputs, static_cast<std::int64_t>(memory.cache.filled()), MaskBytes::left_to_the_caller);
  check_output(layer, inputs, output);
  const CallPlan plan = plan_call(layer, memory.cache, inputs);
  memory.mask.build(inputs.mask, plan.attention, memory.clock);
  LayerCall call(layer, memory, plan, inputs, output, stages);
  for (const Range samples : ranges_of(plan.samples, plan.samples_at_once)) {
    for (const Range heads : ranges_of(plan.attention.shape.num_kv_heads, plan.kv_heads_at_once)) {
      call.project({samples, heads});
      call.attend({samples, heads});
    }
    call.project_output(samples);
  }
  memory.cache.advance(plan.added);
  memory.clock.stop();
  if (stages != nullptr) record(memory.cache, output, *stages);
}

void MultiHeadAttention::fill_cache(const Tensor& k, const Tensor& v) { state_->memory.cache.fill(k, v); }

void MultiHeadAttention::rewind_cache(std::int64_t tokens) { state_->memory.cache.rewind(tokens); }

void MultiHeadAttention::reset_cache() { state_->memory.cache.clear(); }

}  // namespace attest::optimized
