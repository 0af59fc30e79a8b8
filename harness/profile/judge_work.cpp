#include "harness/profile/judge_work.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fixtures/layer_shapes.h"
#include "harness/profile/sampled_rows.h"
#include "harness/verdict/comparator.h"
#include "harness/verdict/recorded_stages.h"

namespace attest::harness {
namespace {

constexpr std::size_t kSamples = 4;

/// [1, tokens] of [1, s], or of the tokens' own numbers.
Tensor positions_of(const Tensor* given, const Tokens& tokens) {
  Tensor positions(DType::int64, {1, static_cast<std::int64_t>(tokens.size())});
  std::ranges::transform(tokens, positions.as<std::int64_t>().begin(), [&](std::int64_t token) {
    return given == nullptr ? token : given->as<std::int64_t>()[static_cast<std::size_t>(token)];
  });
  return positions;
}

/// Judges a stage on some of its tokens.
struct JudgeRows {
  WorkVerdict& verdict;
  Stage stage;
  const Tensor& computed;
  const Tokens& tokens;

  void operator()(const LinearInputs& in) const {
    const Tensor x = rows_of_tokens(in.x, tokens);
    add(rows_of_tokens(computed, tokens), reference::linear_truth({x, in.weight, in.bias}));
  }
  void operator()(const RotaryInputs& in) const {
    const Tensor x = rows_of_tokens(in.x, tokens), positions = positions_of(in.input_pos, tokens);
    add(rows_of_tokens(computed, tokens), reference::rotary_truth({x, in.embedding, in.tables, &positions}));
  }
  void operator()(const NormInputs& in) const {
    const Tensor x = head_rows_of_tokens(in.x, tokens);
    add(head_rows_of_tokens(computed, tokens), reference::norm_truth({x, in.norm, in.scale}));
  }
  void operator()(const AttentionInputs& in) const {
    const Tensor q = head_rows_of_tokens(in.q, tokens);
    const bool sees_all = std::holds_alternative<NoMask>(in.mask) && !in.is_causal;
    const Mask mask = sees_all ? Mask{NoMask{}} : Mask{mask_rows(in.mask, tokens, in.k.dim(2))};
    add(head_rows_of_tokens(computed, tokens), reference::attention_truth({q, in.k, in.v, mask, false}));
  }

 private:
  void add(const Tensor& rows, const reference::StageTruth& truth) const {
    judge_rows(verdict, std::string(name_of(stage)), rows, truth);
  }
};

bool is_of_keys(Stage stage) {
  using enum Stage;
  return stage == k_proj || stage == v_proj || stage == k_rope || stage == k_norm;
}

void add_exact(WorkVerdict& verdict, std::string stage, const Comparison& same, const char* difference) {
  verdict.stages.push_back(
      {std::move(stage), same.within ? 0.0 : same.e, same.judged, same.within, same.within ? "" : difference});
}

/// The slots of the tokens hold exactly what the stage before the cache computed.
void judge_cache(WorkVerdict& verdict, Stage cache, const Tensor& slots, const Tensor& written, const Tokens& tokens,
                 std::int64_t first_slot) {
  Tokens at = tokens;
  for (auto& slot : at) slot += first_slot;
  add_exact(verdict, std::string(name_of(cache)),
            compare_exactly(head_rows_of_tokens(slots, at), head_rows_of_tokens(written, tokens)),
            "a slot does not hold its token");
}

}  // namespace

bool WorkVerdict::passed() const {
  return !stages.empty() && std::ranges::all_of(stages, [](const auto& stage) { return stage.passed; });
}

double WorkVerdict::worst_e() const {
  double worst = 0.0;
  for (const auto& stage : stages) {
    worst = std::isnan(stage.e) ? std::numeric_limits<double>::infinity() : std::max(worst, stage.e);
  }
  return worst;
}

std::vector<std::int64_t> sampled_tokens(std::int64_t tokens) {
  std::vector<std::int64_t> samples;
  for (std::size_t i = 0; i < kSamples; ++i) {
    const std::int64_t token = (tokens - 1) * static_cast<std::int64_t>(i) / static_cast<std::int64_t>(kSamples - 1);
    if (samples.empty() || samples.back() != token) samples.push_back(token);
  }
  return samples;
}

WorkVerdict judge_layer_work(const LayerCall& call, const Tensor& timed, const Stages& stages) {
  WorkVerdict verdict;
  add_exact(verdict, "timed output", compare_exactly(timed, stages.at(Stage::output)),
            "it has not the bits of the call that recorded its stages");

  const std::int64_t last = call.inputs.x.dim(0) - 1;
  Step step;
  step.inputs = sample_of(call.inputs, last);
  for (const auto& [stage, tensor] : stages) step.expected.emplace(stage, sample_of(tensor, last));
  const RecordedStages recorded(call.layer, step);
  const Tokens queries = sampled_tokens(step.inputs.x.dim(1));
  const Tokens keys = sampled_tokens(key_value_input(step.inputs)->dim(1));
  for (const LocalisedStage& stage : recorded.stages()) {
    std::visit(JudgeRows{verdict, stage.stage, step.expected.at(stage.stage), is_of_keys(stage.stage) ? keys : queries},
               stage.inputs);
  }
  if (enabled_cache(call.layer.config) != nullptr) {
    judge_cache(verdict, Stage::k_cache, step.expected.at(Stage::k_cache), *recorded.keys(), keys, call.filled_before);
    judge_cache(verdict, Stage::v_cache, step.expected.at(Stage::v_cache), *recorded.values(), keys,
                call.filled_before);
  }
  return verdict;
}

WorkVerdict judge_attention_work(const Tensor& q, const Tensor& k, const Tensor& v, const Tensor& out) {
  const Tokens tokens = sampled_tokens(q.dim(2));
  const Mask mask = mask_rows(NoMask{}, tokens, k.dim(2));
  WorkVerdict verdict;
  judge_rows(verdict, "attention", head_rows_of_tokens(out, tokens),
             reference::attention_truth({head_rows_of_tokens(q, tokens), k, v, mask, false}));
  return verdict;
}

}  // namespace attest::harness
