#include "harness/replay.h"

#include <algorithm>

#include "fixtures/error.h"
#include "harness/draw/draw_line.h"
#include "harness/lineup.h"
#include "harness/process_resources.h"
#include "harness/selection.h"
#include "reference/truth.h"

namespace attest::harness {
namespace {

/// Who answers for the label; nobody for torchtune and the truth, whose answers the case file holds.
Lineup lineup_for(const std::string& label) {
  if (label == "torchtune" || label == "truth") return {};
  Lineup lineup;
  lineup.implementations.push_back(implementation_from_label(label));
  return lineup;
}

}  // namespace

std::unique_ptr<Implementation> implementation_from_label(const std::string& label) {
  constexpr std::string_view kOptimized = "optimized/";
  const bool optimized = label.starts_with(kOptimized);
  const LineupRequest request =
      optimized ? LineupRequest{{"optimized"}, label.substr(kOptimized.size()), {}} : LineupRequest{{label}, "", {}};
  Lineup lineup = line_up(request);
  if (lineup.implementations.size() != 1) {
    throw InputError("implementation", "one: reference, optimized/TARGET, or a library", "'" + label + "'");
  }
  return std::move(lineup.implementations.front());
}

Evidence replay(const LawLine& line) {
  const Law& law = law_from_name(line.law);
  return try_law(law, *implementation_from_label(line.implementation), line.draw);
}

CaseOutcome replay(const RecordedLine& line, const std::filesystem::path& fixtures) {
  const auto files = select_cases({line.recorded}, fixtures);
  if (files.size() != 1) throw InputError("case", "one case", "'" + line.recorded + "'");
  CaseOutcome outcome = verify_case(files.front(), lineup_for(line.implementation), {{threads(), true}, {}});
  const auto is_meant = [&](const Result& result) {
    return result.step == line.step && result.stage == line.stage && name_of(result.mode) == line.mode &&
           label_of(result.judged) == line.implementation;
  };
  std::erase_if(outcome.results, [&](const Result& result) { return !is_meant(result); });
  if (outcome.results.empty()) {
    throw InputError("replay", "a result that this case has",
                     line.mode + " " + line.stage + " of step " + std::to_string(line.step));
  }
  outcome.status = outcome.results.front().status;
  return outcome;
}

Case exported_case(const CaseDraw& draw) {
  Case item = drawn_case(draw);
  item.provenance = {{"drawn", to_line(nearest_valid(draw))},
                     {"expected", "attest's float reference; scripts/regenerate --from makes it torchtune's"},
                     {"truth", "attest's float64 reference"}};
  reference::LayerTruth layer(item.layer);
  for (Step& step : item.steps) {
    for (auto& [stage, truth] : layer.forward(step.inputs)) step.truth.emplace(stage, std::move(truth.value));
  }
  return item;
}

}  // namespace attest::harness
