#include "reference/truth.h"

#include "fixtures/error.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"
#include "reference/attention_budget.h"
#include "reference/budget_chain.h"
#include "reference/linear_budget.h"
#include "reference/norm_budget.h"
#include "reference/rotary_budget.h"

namespace attest::reference {
namespace {

StageTruth stage_truth(const Array<double>& value, const Budget& budget) {
  return {to_tensor(value, DType::float64),
          to_tensor(budget.statistical, DType::float64),
          to_tensor(budget.worst_case, DType::float64),
          {}};
}

StageTruth linear_truth(const Tensor& input, const LinearParameters<double>& parameters) {
  const Array<double> x = to_array<double>(input);
  const Array<double> y = linear(x, parameters);
  return stage_truth(y, linear_budget(x, parameters, y, input.dtype(), nullptr));
}

}  // namespace

StageTruth linear_truth(const LinearInputs& inputs) {
  return linear_truth(inputs.x, linear_parameters<double>(inputs));
}

StageTruth rotary_truth(const RotaryInputs& inputs) {
  const DType storage = inputs.x.dtype();
  const Array<double> x = to_array<double>(inputs.x);
  const auto embedding = rotary_embedding<double>(inputs.embedding, &inputs.tables, storage);
  const auto rotation = rotation_at(*embedding, inputs.input_pos, inputs.x.dim(0), inputs.x.dim(1));
  const Array<double> y = rotary(x, rotation);
  return stage_truth(y, rotary_budget(x, rotation, y, storage, nullptr));
}

StageTruth norm_truth(const NormInputs& inputs) {
  const Array<double> x = to_array<double>(inputs.x);
  const auto parameters = rms_norm_parameters<double>(inputs.norm, &inputs.scale);
  const Array<double> y = rms_norm(x, *parameters);
  return stage_truth(y, norm_budget(x, *parameters, y, inputs.x.dtype(), nullptr));
}

StageTruth attention_truth(const AttentionInputs& inputs) {
  const Array<double> q = to_array<double>(inputs.q), k = to_array<double>(inputs.k), v = to_array<double>(inputs.v);
  const auto mask =
      attention_mask<double>(inputs.mask, inputs.is_causal, inputs.q.dim(0), inputs.q.dim(2), inputs.k.dim(2));
  const Array<double> y = attention(q, k, v, mask);
  return stage_truth(y, attention_budget({q, k, v, mask, y, inputs.q.dtype()}));
}

struct LayerTruth::State {
  explicit State(const LayerSpec& given) : spec{given.config, {}, given.tables}, layer(given) { reset_cache(); }

  void reset_cache() {
    cache = empty_cache<double>(spec.config);
    if (cache) cache_budget = empty_cache_budget(*cache);
  }

  LayerSpec spec;  ///< without the weights, which `layer` holds
  Layer<double> layer;
  std::optional<KVCacheState<double>> cache;
  std::optional<CacheBudget> cache_budget;
};

LayerTruth::LayerTruth(const LayerSpec& layer) {
  validate_layer(layer);
  state_ = std::make_unique<State>(layer);
}

LayerTruth::~LayerTruth() = default;

std::map<Stage, StageTruth> LayerTruth::forward(const Inputs& inputs) {
  auto& [spec, layer, cache, cache_budget] = *state_;
  const std::int64_t filled = cache ? cache->filled() : 0;
  validate_call(spec, inputs, filled);
  const StageArrays<double> values = reference::forward(layer, cache, inputs);
  const LayerBudgets budgets = propagate(layer, inputs, values, cache_budget ? &*cache_budget : nullptr, filled);

  std::map<Stage, StageTruth> truths;
  for (const auto& [stage, value] : values) truths[stage] = stage_truth(value, budgets.stages.at(stage));
  truths.at(Stage::attention).condition = to_tensor(budgets.attention_condition, DType::float64);
  truths.at(Stage::output).condition = to_tensor(budgets.output_condition, DType::float64);
  return truths;
}

StageTruth LayerTruth::linear(Stage stage, const Tensor& input) const {
  switch (stage) {
    case Stage::q_proj:
      return linear_truth(input, state_->layer.q_proj);
    case Stage::k_proj:
      return linear_truth(input, state_->layer.k_proj);
    case Stage::v_proj:
      return linear_truth(input, state_->layer.v_proj);
    case Stage::output:
      return linear_truth(input, state_->layer.output_proj);
    case Stage::q_rope:
    case Stage::k_rope:
    case Stage::q_norm:
    case Stage::k_norm:
    case Stage::k_cache:
    case Stage::v_cache:
    case Stage::attention:
      break;
  }
  throw InputError("stage", "q_proj, k_proj, v_proj or output", std::string(name_of(stage)));
}

void LayerTruth::reset_cache() { state_->reset_cache(); }

}  // namespace attest::reference
