#include <algorithm>
#include <cmath>
#include <set>

#include "fixtures/floating_point.h"
#include "harness/draw/counter_numbers.h"
#include "harness/draw/judge_draw.h"
#include "harness/judge/input_guard.h"

namespace attest::harness {
namespace {

using reference::TokenIndex;

/// About so many products of a query's channel with a key's go into the truth of a draw: one or two milliseconds.
constexpr std::int64_t kProducts = 200'000;
constexpr std::int64_t kFewestJudged = 2, kMostJudged = 8;

double largest_finite(const Tensor& values) {
  double largest = 0.0;
  visit_floating_point(values, [&]<class Stored>(std::span<const Stored> elements) {
    for (const Stored element : elements) {
      const double size = std::fabs(converted<double, Stored>(element));
      if (std::isfinite(size)) largest = std::max(largest, size);
    }
  });
  return largest;
}

std::shared_ptr<const AttentionProblem> attention_problem(const CaseDraw& draw, reference::ScoreStorage scores) {
  auto problem = std::make_shared<AttentionProblem>();
  problem->call = drawn_attention(draw);
  problem->tokens = sampled_tokens(draw, problem->call);
  problem->truth = reference::attention_truth(problem->call.inputs(), problem->tokens, scores);
  problem->largest_value = largest_finite(problem->call.v) / std::max(1.0 - problem->call.dropout_p, 0.01);
  problem->inputs_fingerprint = fingerprint_of(problem->call);
  return problem;
}

/// The draw of the calls that go before.
CaseDraw draw_before(CaseDraw draw) {
  const auto sized = [&](auto resize) {
    draw.filled = resize(draw.filled);
    draw.s_x = draw.keys == KeySource::self || draw.keys == KeySource::cache ? resize(draw.s_x) : draw.s_x;
    draw.s_y = resize(draw.s_y);
  };
  ++draw.seed;
  if (draw.before == CallsBefore::larger) sized([](std::int64_t extent) { return 2 * extent; });
  if (draw.before == CallsBefore::smaller) sized([](std::int64_t extent) { return (extent + 1) / 2; });
  return nearest_valid(draw);
}

}  // namespace

std::vector<TokenIndex> sampled_tokens(const CaseDraw& draw, const AttentionCall& call) {
  constexpr std::int64_t kTiles[] = {16, 32, 64, 128, 256, 512, 1024};
  const std::int64_t b = call.q.dim(0), s_x = call.q.dim(2);
  const std::int64_t products = call.k.dim(2) * call.q.dim(1) * call.q.dim(3);
  const auto count = std::min(b * s_x, std::clamp(kProducts / products, kFewestJudged, kMostJudged));
  const auto before = [](const TokenIndex& a, const TokenIndex& c) {
    return a.sample != c.sample ? a.sample < c.sample : a.token < c.token;
  };
  std::set<TokenIndex, decltype(before)> tokens(before);
  tokens.insert({0, 0});
  tokens.insert({b - 1, s_x - 1});
  auto from = numbers(draw.seed, DrawStream::sample);
  while (static_cast<std::int64_t>(tokens.size()) < count) {
    const std::int64_t border = kTiles[from.below(std::ssize(kTiles))] - from.below(2), any = from.below(s_x);
    tokens.insert({from.below(b), border < s_x && from.one_in(2) ? border : any});
  }
  return {tokens.begin(), tokens.end()};
}

std::uint64_t fingerprint_of(const AttentionCall& call) {
  return fingerprint_of(call.q) + 3 * fingerprint_of(call.k) + 5 * fingerprint_of(call.v);
}

LayerProblem::LayerProblem(DrawnCalls its_calls, reference::ScoreStorage scores)
    : calls(std::move(its_calls)),
      judged{calls.item, family_from_name(calls.item.family), {}, fingerprint_of_inputs(calls.item)} {
  reference::LayerTruth chain(calls.item.layer, scores);
  if (calls.filled) chain.fill_cache(calls.filled->k, calls.filled->v);
  for (const Step& step : calls.item.steps) judged.steps.emplace_back().end_to_end = chain.forward(step.inputs);
}

DrawnProblem problem_of(const CaseDraw& any_draw, reference::ScoreStorage scores) {
  DrawnProblem problem;
  problem.scores = scores;
  problem.draw = nearest_valid(any_draw);
  const CaseDraw& draw = problem.draw;
  const bool others_before = draw.calls_before > 0 && draw.before != CallsBefore::same;
  if (draw.alone) {
    problem.attention = attention_problem(draw, scores);
    if (others_before) problem.attention_before = std::make_shared<AttentionCall>(drawn_attention(draw_before(draw)));
  } else {
    problem.layer = std::make_shared<LayerProblem>(drawn_calls(draw), scores);
    if (others_before) problem.layer_before = std::make_shared<DrawnCalls>(drawn_calls(draw_before(draw)));
  }
  return problem;
}

bool can_tell(const DrawnProblem& problem) {
  const auto could_fail = [](const reference::StageTruth& truth) {
    const auto value = truth.value.as<double>(), budget = truth.budget.as<double>();
    return !std::ranges::equal(value, budget, [](double y, double limit) { return !(std::fabs(y) > limit); });
  };
  if (problem.attention) return could_fail(problem.attention->truth);
  const auto is_constant = [](const reference::StageTruth& truth) {
    const auto value = truth.value.as<double>();
    const auto rounded = [](double y) { return round_to_bfloat16(y).bits; };  // the coarser of the two dtypes
    return std::ranges::all_of(value, [&](double y) { return rounded(y) == rounded(value.front()); });
  };
  return std::ranges::all_of(problem.layer->judged.steps, [&](const StepTruth& step) {
    return std::ranges::all_of(step.end_to_end, [&](const auto& stage) {
      const bool is_cache = stage.first == Stage::k_cache || stage.first == Stage::v_cache;
      return is_cache || (could_fail(stage.second) && !is_constant(stage.second));
    });
  });
}

}  // namespace attest::harness
