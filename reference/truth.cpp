#include "reference/truth.h"

#include <algorithm>
#include <vector>

#include "fixtures/layer_program.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"
#include "reference/bounds.h"

namespace attest::reference {
namespace {

StageTruth stage_truth(const Array<double>& value, const Budget& budget) {
  return {to_tensor(value, DType::float64),
          to_tensor(budget.statistical, DType::float64),
          to_tensor(budget.worst_case, DType::float64),
          {}};
}

/// The condition of a stage that reads all heads of a token: [b, n_h, s_x] to [b, s_x].
Array<double> worst_head(const Array<double>& condition) { return xt::amax(condition, {1}); }

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
  const auto parameters = rms_norm_parameters<double>(inputs.norm, inputs.scale);
  const Array<double> y = rms_norm(x, parameters);
  return stage_truth(y, norm_budget(x, parameters, y, inputs.x.dtype(), nullptr));
}

namespace {

StageTruth attention_truth(const BudgetedAttention& attention, ScoreStorage scores) {
  StageTruth truth = stage_truth(attention.y, attention.budget);
  if (scores != ScoreStorage::float32) truth.condition = to_tensor(attention.condition, DType::float64);
  return truth;
}

/// [1, n, s, h_d] of heads [b, n, s, h_d].
Array<double> sample_of(const Tensor& heads, std::int64_t sample) {
  Tensor one(heads.dtype(), {1, heads.dim(1), heads.dim(2), heads.dim(3)});
  const std::size_t bytes = one.bytes().size();
  std::ranges::copy(heads.bytes().subspan(static_cast<std::size_t>(sample) * bytes, bytes), one.bytes().begin());
  return to_array<double>(one);
}

/// The attention of some tokens of one sample, each with all its keys.
AttentionCall<double> call_of_tokens(const AttentionInputs& inputs, const MaskRows& rows) {
  const std::int64_t sample = rows.samples.front();
  const Array<double> queries = sample_of(inputs.q, sample);
  return {xt::view(queries, xt::all(), xt::all(), xt::keep(rows.tokens), xt::all()), sample_of(inputs.k, sample),
          sample_of(inputs.v, sample), attention_mask<double>(inputs, rows),
          score_scale(inputs.scale, inputs.q.dim(3))};
}

}  // namespace

StageTruth attention_truth(const AttentionInputs& inputs, ScoreStorage scores) {
  return attention_truth(budgeted_attention(attention_call<double>(inputs), inputs.q.dtype(), nullptr, scores), scores);
}

StageTruth attention_truth(const AttentionInputs& inputs, std::span<const TokenIndex> tokens, ScoreStorage scores) {
  const std::vector<std::int64_t> shape = {std::ssize(tokens), inputs.q.dim(1), inputs.q.dim(3)};
  const Array<double> zeros = xt::zeros<double>(shape);
  BudgetedAttention all{zeros, {zeros, zeros}, sum_of_rows(zeros)};
  for (std::size_t first = 0, end = 0; first < tokens.size(); first = end) {  // those of a sample share its keys
    MaskRows rows{{tokens[first].sample}, {}};
    for (; end < tokens.size() && tokens[end].sample == tokens[first].sample; ++end) {
      rows.tokens.push_back(tokens[end].token);
    }
    const auto put = [&](Array<double>& by_token, const Array<double>& heads) {  // [1, n_h, s, n]
      xt::view(by_token, xt::range(first, end)) = xt::view(transpose_1_2(heads), 0);
    };
    const auto call = call_of_tokens(inputs, rows);
    const auto [y, budget, condition] = budgeted_attention(call, inputs.q.dtype(), nullptr, scores);
    put(all.y, y), put(all.condition, as_column(condition));
    put(all.budget.statistical, budget.statistical), put(all.budget.worst_case, budget.worst_case);
  }
  return attention_truth(all, scores);
}

struct LayerTruth::State {
  State(const LayerSpec& given, ScoreStorage declared)
      : spec{given.config, {}, given.tables}, layer(given), scores(declared) {
    reset_cache();
  }

  void reset_cache() {
    cache.values = empty_cache<double>(spec.config);
    if (cache.values) cache.budgets = empty_cache_budget(*cache.values);
  }

  LayerSpec spec;  ///< without the weights, which `layer` holds
  Layer<double> layer;
  ScoreStorage scores;
  BoundedCache cache;
};

LayerTruth::LayerTruth(const LayerSpec& layer, ScoreStorage scores) {
  validate_layer(layer);
  state_ = std::make_unique<State>(layer, scores);
}

ScoreStorage LayerTruth::scores() const { return state_->scores; }

LayerTruth::~LayerTruth() = default;

std::map<Stage, StageTruth> LayerTruth::forward(const Inputs& inputs) {
  auto& [spec, layer, scores, cache] = *state_;
  validate_call(spec, inputs, cache.values ? cache.values->filled() : 0);
  Bounds chain(layer, cache, inputs, scores);
  run_layer(chain, spec.config, inputs);

  std::map<Stage, StageTruth> truths;
  for (const auto& [stage, value] : chain.values()) truths[stage] = stage_truth(value, chain.budgets().at(stage));
  truths.at(Stage::attention).condition = to_tensor(chain.condition(), DType::float64);
  truths.at(Stage::output).condition = to_tensor(worst_head(chain.condition()), DType::float64);
  return truths;
}

StageTruth LayerTruth::linear(Stage stage, const Tensor& input) const {
  return linear_truth(input, state_->layer.projections.at(stage));
}

StageTruth LayerTruth::output_after(const StageTruth& attention) const {
  const DType storage = state_->spec.config.dtype;
  const std::vector<std::int64_t> joined = {attention.value.dim(0), attention.value.dim(1) * attention.value.dim(2)};
  const auto of = [&](const Tensor& heads) { return view_as(to_array<double>(heads), joined); };
  const Array<double> x = rounded_to(storage, of(attention.value));
  const Budget dx = {of(attention.budget), of(attention.worst_case)};
  const auto& projection = state_->layer.projections.at(Stage::output);
  const Array<double> y = reference::linear(x, projection);
  StageTruth truth = stage_truth(y, linear_budget(x, projection, y, storage, &dx));
  if (attention.condition.size() > 0) {
    truth.condition =
        to_tensor(view_as(worst_head(to_array<double>(attention.condition)), {joined[0]}), DType::float64);
  }
  return truth;
}

void LayerTruth::reset_cache() { state_->reset_cache(); }

void LayerTruth::fill_cache(const Tensor& k, const Tensor& v) {
  state_->cache.values.value().update(to_array<double>(k), to_array<double>(v));
}

}  // namespace attest::reference
