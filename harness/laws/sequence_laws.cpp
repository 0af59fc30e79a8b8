#include <fmt/format.h>

#include <algorithm>

#include "fixtures/error.h"
#include "fixtures/packed_documents.h"
#include "harness/draw/drawn_mask.h"
#include "harness/laws/law_tools.h"

/// Laws of a sequence: however it is cut, placed or packed, each token gets what it gets at once and alone.
namespace attest::harness {
namespace {

/// The family where it allows `wanted`, else randn.
template <class Wanted>
CaseDraw nearest_with(CaseDraw draw, Wanted wanted) {
  draw = of_calls(draw);
  wanted(draw);
  const CaseDraw asked = draw;
  draw = nearest_valid(draw);
  if (draw.mask == asked.mask && draw.keys == asked.keys && draw.rotary == asked.rotary) return draw;
  draw.family = "randn";
  wanted(draw);
  return nearest_valid(draw);
}

/// Truths of the output for some tokens: these budgets, that value.
reference::StageTruth tokens_truth(const reference::StageTruth& budgets, const Tensor& value, std::int64_t first) {
  return with_value(budgets, slice(value, 1, first, budgets.value.dim(1)));
}

// --- from the cache ------------------------------------------------------------------------------------------------

/// Without input_pos, torchtune starts counting positions anew in every call.
void be_cached_and_causal(CaseDraw& draw) {
  draw.keys = KeySource::cache;
  draw.mask = MaskKind::causal;
  if (draw.rotary != RotaryKind::none && draw.positions == PositionKind::implied) {
    draw.positions = PositionKind::shared;
  }
}

CaseDraw cached(CaseDraw draw) { return nearest_with(draw, be_cached_and_causal); }

CaseDraw decoded(CaseDraw draw) {
  return nearest_with(draw, [](CaseDraw& one) {
    be_cached_and_causal(one);
    one.chunk = 1;
    one.s_x = std::min<std::int64_t>(one.s_x, 16);
  });
}

/// The calls' outputs, each within its budget of the tokens' values in `whole` [b, s_x, d].
LawVerdict judge_cuts(const Implementation& implementation, const Case& cut, const Tensor& whole) {
  const StepTruths budgets = end_to_end_truths(cut, implementation);
  const std::vector<Stages> got = run_steps(implementation, cut);
  Findings findings(cut);
  std::int64_t first = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    findings.within_budget(fmt::format("output of call {}", i), got[i].at(Stage::output),
                           tokens_truth(budgets[i].at(Stage::output), whole, first));
    first += cut.steps[i].inputs.x.dim(1);
  }
  return findings.verdict();
}

LawVerdict decode_from_cache(const Implementation& implementation, const CaseDraw& draw) {
  CaseDraw at_once = draw;
  at_once.keys = KeySource::self;
  const Tensor whole = end_to_end_truths(drawn_case(at_once), implementation).front().at(Stage::output).value;
  return judge_cuts(implementation, drawn_case(draw), whole);
}

LawVerdict prefill_in_chunks(const Implementation& implementation, const CaseDraw& draw) {
  CaseDraw one_shot = draw;
  one_shot.chunk = draw.s_x;
  const Tensor whole = end_to_end_truths(drawn_case(one_shot), implementation).front().at(Stage::output).value;
  return judge_cuts(implementation, drawn_case(draw), whole);
}

LawVerdict start_again(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  const auto layer = implementation.layer(item.layer);
  std::vector<Stages> first, second;
  for (const Step& step : item.steps) first.push_back(layer->forward(step.inputs));
  layer->reset_cache();
  for (const Step& step : item.steps) second.push_back(layer->forward(step.inputs));
  Findings findings(item);
  same_bits_of_steps(findings, second, first);
  return findings.verdict();
}

CaseDraw with_any_cache(CaseDraw draw) {
  return nearest_with(draw, [](CaseDraw& one) {
    if (!one.has_cache()) one.keys = KeySource::cache;
    if (one.has_documents()) one.mask = MaskKind::causal;
  });
}

/// Before the last call, one that does not fit.
LawVerdict refuse_one_too_many(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  const std::vector<Stages> undisturbed = run_steps(implementation, item);
  const Tensor& x = item.steps.front().inputs.x;
  const std::vector<std::int64_t> too_many(static_cast<std::size_t>(draw.mask_columns() + 1), 0);
  const Inputs refused{picked(x, 1, too_many), SameAsX{}, NoMask{}, std::nullopt};

  const auto layer = implementation.layer(item.layer);
  std::vector<Stages> disturbed;
  Findings findings(item);
  for (std::size_t i = 0; i < item.steps.size(); ++i) {
    try {
      layer->forward(refused);
      findings.failed("a call of more tokens than the cache has slots was accepted");
    } catch (const InputError&) {
    }
    disturbed.push_back(layer->forward(item.steps[i].inputs));
  }
  same_bits_of_steps(findings, disturbed, undisturbed);
  return findings.verdict();
}

// --- packed documents ----------------------------------------------------------------------------------------------

CaseDraw packed(CaseDraw draw) {
  return nearest_with(draw, [](CaseDraw& one) {
    if (!one.has_documents()) one.mask = MaskKind::packed;
    one.keys = KeySource::self;
    one.s_x = std::max<std::int64_t>(one.s_x, 2);
  });
}

/// Both ways: the packed rows around the lone document's truth, the lone document around the packed rows' truth.
LawVerdict unpack(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  const auto packed_truth = end_to_end_truths(item, implementation).front().at(Stage::output);
  const Tensor together = run_steps(implementation, item).front().at(Stage::output);
  Findings findings(item);
  std::int64_t first = 0;
  for (const std::int64_t length : drawn_documents(draw)) {
    Case alone = item;
    alone.layer.config.is_causal = true;
    alone.steps.front().inputs = {slice(item.steps.front().inputs.x, 1, first, length), SameAsX{}, NoMask{}, {}};
    const auto truth = end_to_end_truths(alone, implementation).front().at(Stage::output);
    const Tensor got = run_steps(implementation, alone).front().at(Stage::output);
    const auto where = fmt::format("output of the document at token {}", first);
    findings.within_budget(where + " alone", got, tokens_truth(truth, packed_truth.value, first));
    reference::StageTruth rows{truth.value, slice(packed_truth.budget, 1, first, length),
                               slice(packed_truth.worst_case, 1, first, length),
                               slice(packed_truth.condition, 1, first, length)};
    findings.within_budget(where + " packed", slice(together, 1, first, length), rows);
    first += length;
  }
  return findings.verdict();
}

CaseDraw with_lengths(CaseDraw draw) {
  return nearest_with(draw, [](CaseDraw& one) {
    one.mask = MaskKind::documents;
    one.keys = KeySource::self;
  });
}

LawVerdict mask_documents(const Implementation& implementation, const CaseDraw& draw) {
  const Case item = drawn_case(draw);
  Case masked = item;
  Mask& mask = masked.steps.front().inputs.mask;
  mask = BoolMask{block_causal_mask(std::get<PackedBlockCausalMask>(mask))};
  Findings findings(item);
  same_bits_of_steps(findings, run_steps(implementation, item), run_steps(implementation, masked));
  return findings.verdict();
}

// --- positions -----------------------------------------------------------------------------------------------------

CaseDraw rotated(CaseDraw draw) {
  return nearest_with(draw, [](CaseDraw& one) {
    if (one.rotary == RotaryKind::none) one.rotary = RotaryKind::interleaved;
    if (one.has_documents()) one.mask = MaskKind::causal;
    one.keys = KeySource::self;
    one.positions = PositionKind::shared;
    one.norm = false;  // its scale differs from channel to channel, so it sees how far a pair was turned
    one.h_d += one.h_d % 2;
  });
}

/// Tables of quarter turns, pair i turning by i + 1 of them with each position. torchtune's own angles are float32, so
/// that shifting positions moves the truth itself by a thousand budgets; a quarter turn's cosine and sine are exact.
RotaryTables quarter_turns(const RotaryTables& like) {
  constexpr float kCos[] = {1, 0, -1, 0}, kSin[] = {0, 1, 0, -1};
  RotaryTables tables = like;
  const auto half = static_cast<std::size_t>(tables.cos.dim(1));
  for (std::size_t i = 0; i < static_cast<std::size_t>(tables.cos.size()); ++i) {
    const std::size_t turn = i / half * (i % half + 1) % 4;
    tables.cos.as<float>()[i] = kCos[turn];
    tables.sin.as<float>()[i] = kSin[turn];
  }
  return tables;
}

LawVerdict shift_positions(const Implementation& implementation, const CaseDraw& draw) {
  Case item = drawn_case(draw);
  item.layer.tables = quarter_turns(*item.layer.tables);
  Tensor& positions = *item.steps.front().inputs.input_pos;
  const auto values = positions.as<std::int64_t>();
  const std::int64_t start = values.front();
  for (auto& position : values) position -= start;
  const Tensor truth = end_to_end_truths(item, implementation).front().at(Stage::output).value;
  Findings findings(item);
  for (const std::int64_t shift : {1, 2, 7}) {
    Case shifted = item;
    for (auto& position : shifted.steps.front().inputs.input_pos->as<std::int64_t>()) position += shift;
    findings.within_budget(fmt::format("output with positions from {}", shift),
                           run_steps(implementation, shifted).front().at(Stage::output),
                           with_value(end_to_end_truths(shifted, implementation).front().at(Stage::output), truth));
  }
  return findings.verdict();
}

using enum Agreement;
constexpr Law kSequenceLaws[] = {
    {"decoding", "decoding token by token from the cache equals the full forward", bounded, decoded, decode_from_cache},
    {"chunked_prefill", "a prefill in any chunks equals one shot", bounded, cached, prefill_in_chunks},
    {"reset", "after a reset the cache remembers nothing", bitwise, with_any_cache, start_again},
    {"refused_call", "a refused call leaves the cache as it was", bitwise, with_any_cache, refuse_one_too_many},
    {"packed_documents", "packed documents equal each document alone with its own positions", bounded, packed, unpack},
    {"document_lengths", "documents given as their lengths equal their mask", bitwise, with_lengths, mask_documents},
    {"position_differences", "only differences of positions matter", bounded, rotated, shift_positions},
};

}  // namespace

std::span<const Law> sequence_laws() { return kSequenceLaws; }

}  // namespace attest::harness
