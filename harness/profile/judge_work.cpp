#include "harness/profile/judge_work.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "fixtures/layer_shapes.h"
#include "harness/judge/comparator.h"
#include "harness/profile/sampled_rows.h"

namespace attest::harness {
namespace {

constexpr std::size_t kSamples = 4;

/// The stages of queries, keys or values, in torchtune's order; a layer may lack the last two.
struct HeadStages {
  Stage projected, rotated, normalised;
  const char* projection;
  const char* norm;
};
constexpr HeadStages kQueries{Stage::q_proj, Stage::q_rope, Stage::q_norm, "q_proj", "q_norm"};
constexpr HeadStages kKeys{Stage::k_proj, Stage::k_rope, Stage::k_norm, "k_proj", "k_norm"};

/// Judges the stages of one sample's call on its sampled tokens, one after the other.
class Judge {
 public:
  Judge(const LayerCall& call, const Stages& stages)
      : call_(call),
        stages_(stages),
        y_(*key_value_input(call.inputs)),
        tokens_(sampled_tokens(call.inputs.x.dim(1))),
        key_tokens_(sampled_tokens(y_.dim(1))) {}

  void all() {
    heads(kQueries, call_.inputs.x, tokens_);
    heads(kKeys, y_, key_tokens_);
    projection(Stage::v_proj, "v_proj", rows_of_tokens(y_, key_tokens_), key_tokens_);
    attention();
    projection(Stage::output, "output_proj",
               joined_heads(transposed(head_rows_of_tokens(stages_.at(Stage::attention), tokens_))), tokens_);
  }

  WorkVerdict verdict;

 private:
  void heads(const HeadStages& names, const Tensor& input, const Tokens& tokens) {
    projection(names.projected, names.projection, rows_of_tokens(input, tokens), tokens);
    if (stages_.contains(names.rotated)) rotary(names, tokens);
    if (stages_.contains(names.normalised)) norm(names, tokens);
  }

  void projection(Stage stage, const std::string& name, const Tensor& input, const Tokens& tokens) {
    const Weights& weights = call_.layer.weights;
    const auto bias = weights.find(name + ".bias");
    judge_rows(verdict, std::string(name_of(stage)), rows_of_tokens(stages_.at(stage), tokens),
               reference::linear_truth(
                   {input, weights.find(name + ".weight")->second, bias == weights.end() ? nullptr : &bias->second}));
  }

  void rotary(const HeadStages& names, const Tokens& tokens) {
    const Tensor x = rows_of_tokens(as_heads(stages_.at(names.projected), config().head_dim), tokens);
    const Tensor positions = positions_of(tokens);
    judge_rows(verdict, std::string(name_of(names.rotated)), rows_of_tokens(stages_.at(names.rotated), tokens),
               reference::rotary_truth({x, config().pos_embeddings, *call_.layer.tables, &positions}));
  }

  void norm(const HeadStages& names, const Tokens& tokens) {
    const Tensor x = head_rows_of_tokens(before_norm(names), tokens);
    const Norm& norm = names.normalised == Stage::q_norm ? config().q_norm : config().k_norm;
    const Tensor& scale = call_.layer.weights.find(std::string(names.norm) + ".scale")->second;
    judge_rows(verdict, names.norm, head_rows_of_tokens(stages_.at(names.normalised), tokens),
               reference::norm_truth({x, norm, scale}));
  }

  /// [1, n, s, h_d]
  Tensor before_norm(const HeadStages& names) const {
    const auto rotated = stages_.find(names.rotated);
    return transposed(rotated != stages_.end() ? rotated->second
                                               : as_heads(stages_.at(names.projected), config().head_dim));
  }
  Tensor before_attention(const HeadStages& names) const {
    const auto normalised = stages_.find(names.normalised);
    return normalised != stages_.end() ? normalised->second : before_norm(names);
  }

  /// The slots of the sampled tokens hold exactly what the stage before the cache computed.
  void cache(Stage cache, const Tensor& new_rows) {
    Tokens slots = key_tokens_;
    for (auto& slot : slots) slot += call_.filled_before;
    const Comparison same =
        compare_exactly(head_rows_of_tokens(stages_.at(cache), slots), head_rows_of_tokens(new_rows, key_tokens_));
    verdict.stages.push_back({std::string(name_of(cache)), same.within ? 0.0 : same.e, same.judged, same.within,
                              same.within ? "" : "a slot does not hold its token"});
  }

  void attention() {
    const Tensor k_new = before_attention(kKeys);
    const Tensor v_new = transposed(as_heads(stages_.at(Stage::v_proj), config().head_dim));
    const bool cached = enabled_cache(config()) != nullptr;
    if (cached) {
      cache(Stage::k_cache, k_new);
      cache(Stage::v_cache, v_new);
    }
    const Tensor& k = cached ? stages_.at(Stage::k_cache) : k_new;
    const Tensor& v = cached ? stages_.at(Stage::v_cache) : v_new;
    const Tensor q = head_rows_of_tokens(before_attention(kQueries), tokens_);
    const bool sees_all = std::holds_alternative<NoMask>(call_.inputs.mask) && !config().is_causal;
    const Mask mask = sees_all ? Mask{NoMask{}} : Mask{mask_rows(call_.inputs.mask, tokens_, k.dim(2))};
    judge_rows(verdict, "attention", head_rows_of_tokens(stages_.at(Stage::attention), tokens_),
               reference::attention_truth({q, k, v, mask, false}));
  }

  const Config& config() const { return call_.layer.config; }

  Tensor positions_of(const Tokens& tokens) const {
    Tensor positions(DType::int64, {1, static_cast<std::int64_t>(tokens.size())});
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const auto& given = call_.inputs.input_pos;
      positions.as<std::int64_t>()[i] =
          given ? given->as<std::int64_t>()[static_cast<std::size_t>(tokens[i])] : tokens[i];
    }
    return positions;
  }

  LayerCall call_;
  const Stages& stages_;
  const Tensor& y_;
  Tokens tokens_, key_tokens_;
};

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
  const std::int64_t last = call.inputs.x.dim(0) - 1;
  const Inputs inputs = sample_of(call.inputs, last);
  Stages sampled;
  for (const auto& [stage, tensor] : stages) sampled.emplace(stage, sample_of(tensor, last));
  Judge judge({call.layer, inputs, call.filled_before}, sampled);
  const Comparison same = compare_exactly(timed, stages.at(Stage::output));
  judge.verdict.stages.push_back({"timed output", same.within ? 0.0 : same.e, same.judged, same.within,
                                  same.within ? "" : "it has not the bits of the call that recorded its stages"});
  judge.all();
  return judge.verdict;
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
