#include "harness/laws/law_tools.h"

#include <fmt/format.h>

#include <algorithm>

#include "fixtures/family.h"

namespace attest::harness {

Findings::Findings(const Case& item)
    : dtype_(item.layer.config.dtype), may_be_marginal_(family_from_name(item.family).structured_constant) {}

void Findings::note(const std::string& what, const Comparison& comparison, bool accepted) {
  verdict_.e = std::max(verdict_.e, comparison.e);
  if (verdict_.status != Status::failed) verdict_.status = accepted ? Status::passed : Status::failed;
  if (accepted || !verdict_.message.empty()) return;
  verdict_.message = what + ": ";
  if (!comparison.problem.empty()) {
    verdict_.message += comparison.problem;
  } else {
    verdict_.message += fmt::format("{} of {} elements, the worst is {:.9g} and should be {:.9g}", comparison.outside,
                                    comparison.judged, comparison.worst->got, comparison.worst->expected);
  }
}

void Findings::same_bits(const std::string& what, const Tensor& got, const Tensor& wanted) {
  const Comparison comparison = compare_exactly(got, wanted);
  note(what, comparison, comparison.problem.empty() && comparison.outside == 0);
}

void Findings::within_budget(const std::string& what, const Tensor& got, const reference::StageTruth& truth) {
  const Comparison comparison = compare(got, truth, dtype_);
  const bool nothing_wrong = comparison.problem.empty() && comparison.outside == 0;
  note(what, comparison, nothing_wrong || (may_be_marginal_ && comparison.within_worst_case));
}

void Findings::failed(const std::string& message) {
  verdict_.status = Status::failed;
  if (verdict_.message.empty()) verdict_.message = message;
}

CaseDraw without_dropout_and_blocks(CaseDraw draw) {
  draw.dropout = 0;
  if (draw.mask == MaskKind::blocks) draw.mask = MaskKind::boolean;
  return draw;
}

CaseDraw of_calls(CaseDraw draw) {
  draw = without_dropout_and_blocks(draw);
  draw.alone = draw.poison = false;
  draw.filled = draw.calls_before = 0;
  return nearest_valid(draw);
}

std::vector<Stages> run_steps(const Implementation& implementation, const Case& item) {
  const auto layer = implementation.layer(item.layer);
  std::vector<Stages> stages;
  for (const Step& step : item.steps) stages.push_back(layer->forward(step.inputs));
  return stages;
}

void same_bits_of_steps(Findings& findings, const std::vector<Stages>& got, const std::vector<Stages>& wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    for (const auto& [stage, tensor] : wanted[i]) {
      const auto found = got[i].find(stage);
      if (found == got[i].end()) continue;  // a stage that an implementation need not give
      findings.same_bits(fmt::format("{} of call {}", name_of(stage), i), found->second, tensor);
    }
  }
}

StepTruths end_to_end_truths(const Case& item, const Implementation& implementation) {
  reference::LayerTruth layer(item.layer, implementation.score_storage());
  StepTruths truths;
  for (const Step& step : item.steps) truths.push_back(layer.forward(step.inputs));
  return truths;
}

reference::StageTruth with_value(const reference::StageTruth& budgets, const Tensor& value) {
  reference::StageTruth truth = budgets;
  truth.value = value;
  return truth;
}

}  // namespace attest::harness
