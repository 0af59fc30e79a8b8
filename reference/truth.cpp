#include "reference/truth.h"

#include <algorithm>
#include <vector>

#include "fixtures/layer_program.h"
#include "fixtures/validate.h"
#include "reference/arrays.h"
#include "reference/attention_budget.h"
#include "reference/bounds.h"

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
  const auto parameters = rms_norm_parameters<double>(inputs.norm, inputs.scale);
  const Array<double> y = rms_norm(x, parameters);
  return stage_truth(y, norm_budget(x, parameters, y, inputs.x.dtype(), nullptr));
}

StageTruth attention_truth(const AttentionInputs& inputs, ScoreStorage scores) {
  const Array<double> q = to_array<double>(inputs.q), k = to_array<double>(inputs.k), v = to_array<double>(inputs.v);
  const auto mask =
      attention_mask<double>(inputs.mask, inputs.is_causal, inputs.q.dim(0), inputs.q.dim(2), inputs.k.dim(2));
  const Array<double> y = attention(q, k, v, mask);
  auto [budget, condition] = attention_budget({q, k, v, mask, y, inputs.q.dtype(), scores});
  StageTruth truth = stage_truth(y, budget);
  if (scores != ScoreStorage::float32) truth.condition = to_tensor(condition, DType::float64);
  return truth;
}

namespace {

/// [1, n, s, h_d] of heads [b, n, s, h_d]: one sample.
Array<double> sample_of(const Tensor& heads, std::int64_t sample) {
  Tensor one(heads.dtype(), {1, heads.dim(1), heads.dim(2), heads.dim(3)});
  const std::size_t bytes = one.bytes().size();
  std::ranges::copy(heads.bytes().subspan(static_cast<std::size_t>(sample) * bytes, bytes), one.bytes().begin());
  return to_array<double>(one);
}

/// [1, n_h, 1, h_d] of heads [1, n_h, s_x, h_d]: one token.
Array<double> token_of(const Array<double>& heads, std::int64_t token) {
  return xt::view(heads, xt::all(), xt::all(), xt::range(token, token + 1), xt::all());
}

/// The arrays of the tokens [1, n_h, 1, h_d] (or [1, n_h, 1], as h_d = 1), one after the other: [tokens, n_h, h_d].
class RowsOfTokens {
 public:
  RowsOfTokens(std::size_t tokens, const Tensor& q, std::int64_t h_d)
      : rows_(DType::float64, {static_cast<std::int64_t>(tokens), q.dim(1), h_d}) {}
  void append(const Array<double>& token) {
    std::copy_n(token.data(), token.size(), rows_.as<double>().subspan(filled_).begin());
    filled_ += token.size();
  }
  Tensor take() { return std::move(rows_); }

 private:
  Tensor rows_;
  std::size_t filled_ = 0;
};

}  // namespace

StageTruth attention_truth(const AttentionInputs& inputs, std::span<const TokenIndex> tokens, ScoreStorage scores) {
  RowsOfTokens value(tokens.size(), inputs.q, inputs.q.dim(3)), budget = value, worst_case = value;
  RowsOfTokens condition(tokens.size(), inputs.q, 1);
  Array<double> queries, k, v;
  std::int64_t converted = -1;  // the sample that these are of
  for (const auto& [sample, token] : tokens) {
    if (sample != converted) {
      queries = sample_of(inputs.q, sample), k = sample_of(inputs.k, sample), v = sample_of(inputs.v, sample);
      converted = sample;
    }
    const Array<double> q = token_of(queries, token);
    const auto mask =
        attention_mask<double>(inputs.mask, inputs.is_causal, MaskRows{sample, 1, token, 1}, inputs.k.dim(2));
    const Array<double> y = attention(q, k, v, mask);
    const BudgetedAttention b = attention_budget({q, k, v, mask, y, inputs.q.dtype(), scores});
    value.append(y), budget.append(b.budget.statistical), worst_case.append(b.budget.worst_case);
    condition.append(b.condition);
  }
  StageTruth truth{value.take(), budget.take(), worst_case.take(), {}};
  if (scores != ScoreStorage::float32) truth.condition = condition.take();
  return truth;
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
