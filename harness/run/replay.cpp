#include "harness/run/replay.h"

#include <algorithm>

#include "fixtures/error.h"
#include "harness/draw/draw_fields.h"
#include "harness/draw/draw_line.h"
#include "harness/lineup/lineup.h"
#include "harness/machine/process_resources.h"
#include "harness/run/selection.h"
#include "reference/truth.h"

namespace attest::harness {
namespace {

/// Who replays a failure wants to see what the kernel prints.
Isolation with_output() {
  Isolation isolation;
  isolation.show_output = true;
  return isolation;
}

/// Who answers for the label; nobody for torchtune and the truth, whose answers the case file holds.
Lineup lineup_for(const std::string& label) {
  if (!judged_from_label(label).is_implementation()) return {};
  Lineup lineup;
  lineup.implementations.push_back(implementation_from_label(label, with_output()));
  return lineup;
}

std::filesystem::path one_case(const std::string& name, const std::filesystem::path& fixtures) {
  const auto files = select_cases({name}, fixtures);
  if (files.size() != 1) throw InputError("case", "one case", "'" + name + "'");
  return files.front();
}

/// A field as the line says it is.
bool is_honoured(const NamedDraw& given, const CaseDraw& fitted) {
  bool honoured = true;
  visit_fields(given.draw, [&](const char* name, const auto& wanted) {
    visit_fields(fitted, [&](const char* other, const auto& got) {
      if constexpr (std::is_same_v<decltype(wanted), decltype(got)>) {
        if (std::string_view(name) == other && given.named.contains(name)) honoured = honoured && wanted == got;
      }
    });
  });
  return honoured;
}

DrawnQuestion asked(const std::string& law, const NamedDraw& given) {
  const Law& known = law_from_name(law);
  const CaseDraw fitted = known.fit(given.draw);
  if (!is_honoured(given, fitted)) {
    throw InputError("draw", "parts that fit together, such as the nearest: " + to_line(fitted), to_line(given.draw));
  }
  return {&known, fitted};
}

}  // namespace

Evidence replay(const LawLine& line) {
  const DrawnQuestion question = asked(line.law, line.draw);
  return try_law(*question.law, *implementation_from_label(line.implementation, with_output()), question.draw);
}

LawVerdict replay(const QuestionsLine& line) {
  std::vector<DrawnQuestion> questions;
  for (const auto& [law, draw] : line.questions) questions.push_back(asked(law, draw));
  const auto implementation = implementation_from_label(line.implementation, with_output());
  LawVerdict last;
  for (const DrawnQuestion& question : questions) last = ask(question, *implementation);
  return last;
}

CaseOutcome replay(const RecordedLine& line, const std::filesystem::path& fixtures) {
  const Lineup lineup = lineup_for(line.implementation);
  for (const auto& name : line.after) verify_case(one_case(name, fixtures), lineup, {threads(), true});
  CaseOutcome outcome = verify_case(one_case(line.recorded, fixtures), lineup, {threads(), true});
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

Case exported_case(const LawLine& line) {
  const CaseDraw draw = asked(line.law, line.draw).draw;
  Case item = drawn_case(draw);
  item.provenance = {{"drawn", to_line(draw)},
                     {"expected", "attest's float reference; scripts/regenerate --from makes it torchtune's"},
                     {"truth", "attest's float64 reference"}};
  reference::LayerTruth layer(item.layer);
  for (Step& step : item.steps) {
    for (auto& [stage, truth] : layer.forward(step.inputs)) step.truth.emplace(stage, std::move(truth.value));
  }
  return item;
}

}  // namespace attest::harness
