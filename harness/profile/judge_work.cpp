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

/// Judges the stages of one sample's call on its sampled tokens, one after the other.
class Judge {
 public:
  Judge(const LayerCall& call, const Stages& stages)
      : call_(call), stages_(stages), tokens_(sampled_tokens(call.inputs.x.dim(1))) {}

  void projection(Stage stage, const std::string& name, const Tensor& input) {
    const Weights& weights = call_.layer.weights;
    const auto bias = weights.find(name + ".bias");
    judge_rows(verdict, std::string(name_of(stage)), rows_of_tokens(stages_.at(stage), tokens_),
               reference::linear_truth(
                   {input, weights.find(name + ".weight")->second, bias == weights.end() ? nullptr : &bias->second}));
  }

  void rotary(Stage rotated, Stage projected) {
    const Tensor x = rows_of_tokens(as_heads(stages_.at(projected), call_.layer.config.head_dim), tokens_);
    const Tensor positions = positions_of_samples();
    judge_rows(verdict, std::string(name_of(rotated)), rows_of_tokens(stages_.at(rotated), tokens_),
               reference::rotary_truth({x, call_.layer.config.pos_embeddings, *call_.layer.tables, &positions}));
  }

  /// The slots of the sampled tokens hold exactly what the stage before the cache computed.
  void cache(Stage cache, const Tensor& new_rows) {
    Tokens slots = tokens_;
    for (auto& slot : slots) slot += call_.filled_before;
    const Comparison same =
        compare_exactly(head_rows_of_tokens(stages_.at(cache), slots), head_rows_of_tokens(new_rows, tokens_));
    verdict.stages.push_back({std::string(name_of(cache)), same.within ? 0.0 : same.e, same.judged, same.within,
                              same.within ? "" : "a slot does not hold its token"});
  }

  void attention() {
    const std::int64_t head_dim = call_.layer.config.head_dim;
    const Tensor k_new = transposed(stages_.at(Stage::k_rope));
    const Tensor v_new = transposed(as_heads(stages_.at(Stage::v_proj), head_dim));
    const bool cached = enabled_cache(call_.layer.config) != nullptr;
    if (cached) {
      cache(Stage::k_cache, k_new);
      cache(Stage::v_cache, v_new);
    }
    const Tensor& k = cached ? stages_.at(Stage::k_cache) : k_new;
    const Tensor& v = cached ? stages_.at(Stage::v_cache) : v_new;
    const Tensor q = transposed(rows_of_tokens(stages_.at(Stage::q_rope), tokens_));
    const Mask mask = mask_rows(call_.inputs.mask, tokens_, k.dim(2));
    judge_rows(verdict, "attention", head_rows_of_tokens(stages_.at(Stage::attention), tokens_),
               reference::attention_truth({q, k, v, mask, false}));
  }

  void all() {
    const Tensor x = rows_of_tokens(call_.inputs.x, tokens_);
    projection(Stage::q_proj, "q_proj", x);
    projection(Stage::k_proj, "k_proj", x);
    projection(Stage::v_proj, "v_proj", x);
    rotary(Stage::q_rope, Stage::q_proj);
    rotary(Stage::k_rope, Stage::k_proj);
    attention();
    projection(Stage::output, "output_proj",
               joined_heads(transposed(head_rows_of_tokens(stages_.at(Stage::attention), tokens_))));
  }

  WorkVerdict verdict;

 private:
  Tensor positions_of_samples() const {
    Tensor positions(DType::int64, {1, static_cast<std::int64_t>(tokens_.size())});
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      const auto& given = call_.inputs.input_pos;
      positions.as<std::int64_t>()[i] =
          given ? given->as<std::int64_t>()[static_cast<std::size_t>(tokens_[i])] : tokens_[i];
    }
    return positions;
  }

  LayerCall call_;
  const Stages& stages_;
  Tokens tokens_;
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
