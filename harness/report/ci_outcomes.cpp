#include "harness/report/ci_outcomes.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/report/document/markup.h"
#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;
using Outcomes = std::vector<CiOutcome>;

// --- verify ----------------------------------------------------------------------------------------------------------

CiOutcome outcome_of_case(const Json& item) {
  const auto name = text_of(item, "case");
  const auto slash = name.find('/');
  CiOutcome outcome{name.substr(0, slash),           name.substr(slash + 1), text_of(item, "status"), "", "",
                    item.at("seconds").get<double>()};
  if (outcome.status == "skipped") outcome.message = "every implementation has declared a gap";
  if (!outcome.is_trouble()) return outcome;
  const auto troubles = troubles_of(item);
  outcome.message = troubles.empty() ? "nothing of an implementation was judged" : trouble_text(*troubles.front());
  for (const auto* trouble : troubles) {
    if (trouble != troubles.front()) outcome.details += trouble_text(*trouble) + "\n";
    outcome.details += replay_command(trouble->at("replay")) + "\n";
  }
  return outcome;
}

/// What everybody made of drawn questions: of the covering array, or of random ones. The first failure is the message.
Outcomes outcomes_of_draws(const Json& run, const std::string& group) {
  Outcomes outcomes;
  for (const auto& tally : run.at("implementations")) {
    const bool has_passed = tally.at("passed") != 0;
    CiOutcome outcome{group, judged_label(tally), has_passed ? "passed" : "skipped", "", "", 0.0};
    if (!has_passed) outcome.message = "every draw was skipped";
    for (const auto& failure : run.at("failures")) {
      if (judged_label(failure) != outcome.name) continue;
      const std::string text = failure.contains("stage") ? trouble_text(failure) : text_of(failure, "message");
      if (!outcome.is_trouble()) outcome.message = text;
      outcome.status = text_of(failure, "status");
      outcome.details += (text == outcome.message ? "" : text + "\n") + replay_command(failure.at("replay")) + "\n";
    }
    outcomes.push_back(outcome);
  }
  return outcomes;
}

CiOutcome outcome_of_coverage(const Json& coverage) {
  const auto& holes = coverage.at("holes");
  CiOutcome outcome{"covering_array", "coverage", "passed", "", "", coverage.at("seconds").get<double>()};
  if (holes.empty() && coverage.at("draws") == coverage.at("selected")) return outcome;
  outcome.status = "failed";
  outcome.message = fmt::format("{} combinations are not covered", holes.size());
  for (const auto& hole : holes) outcome.details += text_of(hole, "combination") + "\n";
  return outcome;
}

Outcomes outcomes_of_verify(const Json& document) {
  Outcomes outcomes;
  for (const auto& item : document.at("setup")) {
    outcomes.push_back({"setup", judged_label(item), text_of(item, "status"), text_of(item, "message"), "", 0.0});
  }
  for (const auto& item : document.at("cases")) outcomes.push_back(outcome_of_case(item));
  const auto append = [&](Outcomes more) { std::ranges::move(more, std::back_inserter(outcomes)); };
  if (document.contains("coverage")) {
    outcomes.push_back(outcome_of_coverage(document.at("coverage")));
    append(outcomes_of_draws(document.at("coverage"), "covering_array"));
  }
  if (document.contains("draws")) append(outcomes_of_draws(document.at("draws"), "draws"));
  return outcomes;
}

// --- profile ---------------------------------------------------------------------------------------------------------

std::string message_of(const Json& item) {
  if (item.at("status") == "invalid") return "no figure: faster than the peak that was measured beside it";
  for (const auto& stage : item.at("verified").at("stages")) {
    if (stage.at("status") == "failed") return text_of(stage, "stage") + ": " + text_of(stage, "message");
  }
  return "";
}

/// An invalid figure says nothing about the output, which was right.
CiOutcome outcome_of_item(const Json& item) {
  const auto status = text_of(item, "status");
  return {text_of(item, "layer"),
          fmt::format("{}, batch {}, {}, threads {}", text_of(item, "work"), item.at("batch").get<int>(),
                      text_of(item, "target"), item.at("threads").get<int>()),
          status == "invalid" ? "skipped" : status,
          message_of(item),
          "",
          item.at("warm").at("median").get<double>()};
}

Outcomes outcomes_of_profile(const Json& document) {
  Outcomes outcomes;
  for (const auto& item : document.at("items")) outcomes.push_back(outcome_of_item(item));
  return outcomes;
}

// --- selftest --------------------------------------------------------------------------------------------------------

CiOutcome outcome_of_bug(const Json& bug) {
  CiOutcome outcome{text_of(bug, "area"), text_of(bug, "bug"), text_of(bug, "status"), "", "", 0.0};
  const bool is_listed_as_equivalent = !text_of(bug, "equivalence").empty();
  if (outcome.status == "noticed" && !is_listed_as_equivalent) outcome.status = "passed";
  if (outcome.status == "noticed") outcome.message = "noticed, though listed as equivalent: ";
  if (outcome.status == "equivalent") outcome.status = "skipped";
  if (outcome.status == "survived") outcome.message = "nothing noticed it: ";
  if (outcome.status != "passed")
    outcome.message += text_of(bug, is_listed_as_equivalent ? "equivalence" : "description");
  return outcome;
}

CiOutcome outcome_of_variant(const Json& variant) {
  CiOutcome outcome{"correct_variants", text_of(variant, "variant"), "passed", "", "", 0.0};
  if (variant.at("status") == "accepted") return outcome;
  outcome.status = "rejected";
  outcome.message = "a correct kernel was rejected: " + text_of(variant, "description");
  const auto law = text_of(variant, "broken_law");
  if (!law.empty()) outcome.details = "breaks the law " + law + "\n";
  for (const auto& [family, rejection] : variant.at("rejections").items()) {
    outcome.details += fmt::format("{} of {}: {}\n", text_of(rejection, "stage"), text_of(rejection, "case"),
                                   text_of(rejection, "message"));
  }
  return outcome;
}

Outcomes outcomes_of_selftest(const Json& document) {
  Outcomes outcomes;
  for (const auto& bug : document.at("bugs")) outcomes.push_back(outcome_of_bug(bug));
  for (const auto& variant : document.at("variants")) outcomes.push_back(outcome_of_variant(variant));
  return outcomes;
}

// --- all -------------------------------------------------------------------------------------------------------------

Outcomes outcomes_of_parts(const Json& document) {
  const auto schema = text_of(document, "schema");
  if (schema == "attest.profile") return outcomes_of_profile(document);
  if (schema == "attest.selftest") return outcomes_of_selftest(document);
  return outcomes_of_verify(document);
}

}  // namespace

Outcomes ci_outcomes(const Json& document) {
  Outcomes outcomes = outcomes_of_parts(document);
  const auto status = text_of(document, "status");
  if (status == "interrupted") {
    outcomes.push_back({"run", "complete", status, "interrupted: not all that was selected was done", "", 0.0});
  } else if (status != "passed" && std::ranges::none_of(outcomes, &CiOutcome::is_trouble)) {
    outcomes.push_back({"run", "verdict", status, "every part is fine, and the run as a whole is not", "", 0.0});
  }
  return outcomes;
}

}  // namespace attest::harness
