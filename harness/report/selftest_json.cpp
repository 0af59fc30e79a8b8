#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/bug_zoo/bugs.h"
#include "harness/bug_zoo/design.h"
#include "harness/report/document/json_values.h"
#include "harness/report/selftest_report.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

Json findings_json(const Explanation& explanation) {
  Json json = Json::array();
  for (const auto& [id, sentence] : explanation.findings) json.push_back({{"finding", id}, {"sentence", sentence}});
  return json;
}

Json rejections_json(const Trial& trial) {
  Json json = Json::object();
  for (const auto& [family, rejection] : trial.rejections) {
    json[family] = {{"check", name_of(rejection.check)},
                    {"case", rejection.line},
                    {"step", rejection.result.step},
                    {"stage", rejection.result.stage},
                    {"e", json_number(rejection.result.comparison.e)},
                    {"message", rejection.result.message},
                    {"explanation", findings_json(rejection.result.explanation)}};
  }
  return json;
}

Json causes_json(const Trial& trial) {
  Json json = Json::array();
  for (const NamedCause& cause : trial.causes) {
    json.push_back({{"worth", name_of(cause.naming)},
                    {"case", cause.line},
                    {"stage", cause.stage},
                    {"e", json_number(cause.e)},
                    {"finding", cause.first.id},
                    {"sentence", cause.first.sentence}});
  }
  return json;
}

Json counts_json(const NamingCounts& counts) {
  Json json = Json::object();
  for (const Naming naming : kNamings) json[name_of(naming)] = counts.of[static_cast<std::size_t>(naming)];
  return json;
}

Json bug_json(const Trial& trial) {
  const bug_zoo::PlantedBug* planted = bug_zoo::find_bug(trial.name);
  return {{"bug", trial.name},
          {"description", planted->sentence},
          {"area", name_of(planted->area)},
          {"status", was_noticed(trial)             ? "noticed"
                     : planted->equivalence.empty() ? "survived"
                                                    : "equivalent"},
          {"equivalence", planted->equivalence},
          {"finding", planted->finding},
          {"named", was_named(trial)},
          {"broken_law", trial.broken_law},
          {"causes", causes_json(trial)},
          {"rejections", rejections_json(trial)}};
}

Json variant_json(const Trial& trial) {
  const auto* variant = std::ranges::find(bug_zoo::kCorrectVariants, trial.name, &bug_zoo::CorrectVariant::name);
  return {{"variant", trial.name},
          {"description", variant->sentence},
          {"status", was_accepted(trial) ? "accepted" : "rejected"},
          {"passed", trial.passed},
          {"largest_e", json_number(trial.largest_e)},
          {"broken_law", trial.broken_law},
          {"rejections", rejections_json(trial)}};
}

}  // namespace

Json selftest_document(const Selftest& selftest, const Fingerprint& fingerprint,
                       const std::vector<std::string>& command) {
  Json bugs = Json::array(), variants = Json::array();
  for (const Trial& trial : selftest.bugs) bugs.push_back(bug_json(trial));
  for (const Trial& trial : selftest.variants) variants.push_back(variant_json(trial));
  return {{"schema", "attest.selftest"},
          {"schema_version", kSelftestSchemaVersion},
          {"status", selftest.interrupted ? "interrupted"
                     : all_fine(selftest) ? "passed"
                                          : "failed"},
          {"command", command},
          {"selected", selftest.selected},
          {"coverage_holes", selftest.coverage_holes},
          {"seconds", selftest.seconds},
          {"environment", fingerprint_json(fingerprint)},
          {"families", selftest.families},
          {"first_causes",
           {{"all", counts_json(truthfulness_of(selftest).all)},
            {"near_the_limit", counts_json(truthfulness_of(selftest).near_the_limit)}}},
          {"bugs", bugs},
          {"variants", variants}};
}

}  // namespace attest::harness
