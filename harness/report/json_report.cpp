#include "harness/report/json_report.h"

#include <nlohmann/json.hpp>

#include "harness/report/coverage_text.h"
#include "harness/report/document/json_values.h"
#include "harness/search/replay_line.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const PeerRatios& peer) {
  return {{"rows", peer.rows},
          {"median", json_number(peer.median)},
          {"p99", json_number(peer.p99)},
          {"max", json_number(peer.max)},
          {"share_more_accurate", json_number(peer.share_more_accurate)}};
}

Json to_json(const WorstElement& worst) {
  return {{"index", worst.index},
          {"got", json_number(worst.got)},
          {"expected", json_number(worst.expected)},
          {"budget", json_number(worst.budget)}};
}

Json to_json(const Sensitivity& sensitivity) {
  Json json = {{"dropped_key", json_number(sensitivity.dropped_key)},
               {"keys_noticed", sensitivity.keys_noticed},
               {"scale", json_number(sensitivity.scale)}};
  if (sensitivity.swapped_heads) json["swapped_heads"] = json_number(*sensitivity.swapped_heads);
  return json;
}

Json to_json(const Explanation& explanation) {
  Json findings = Json::array();
  for (const auto& [id, sentence] : explanation.findings) findings.push_back({{"id", id}, {"sentence", sentence}});
  return {{"findings", findings}, {"pattern", explanation.pattern}};
}

Json to_json(const ResidualMap& map) {
  return {{"axes", map.axes},
          {"shape", map.shape},
          {"rows_a_cell", map.rows_a_cell},
          {"columns_a_cell", map.columns_a_cell},
          {"cells", map.cells}};
}

Json to_json(const Result& result) {
  const Comparison& comparison = result.comparison;
  Json json = {{"status", name_of(result.status)},
               {"step", result.step},
               {"stage", result.stage},
               {"mode", name_of(result.mode)},
               {"implementation", result.judged.implementation()},
               {"target", result.judged.target()},
               {"e", json_number(comparison.e)},
               {"elements", comparison.judged},
               {"outside", comparison.outside},
               {"ill_conditioned_rows", comparison.ill_conditioned_rows},
               {"marginal", result.marginal},
               {"message", result.message}};
  if (result.gap != Gap::none) json["gap"] = name_of(result.gap);
  if (comparison.worst) json["worst"] = to_json(*comparison.worst);
  if (result.peer) json["peer"] = to_json(*result.peer);
  if (result.sensitivity) json["sensitivity"] = to_json(*result.sensitivity);
  if (!result.explanation.pattern.empty()) {
    json["explanation"] = to_json(result.explanation);
    json["residual"] = to_json(result.explanation.map);
  }
  return json;
}

Json to_json(const std::vector<Result>& results) {
  Json json = Json::array();
  for (const auto& result : results) json.push_back(to_json(result));
  return json;
}

/// With the line that meets it again where a result is not fine.
Json results_of(const CaseOutcome& outcome) {
  Json json = to_json(outcome.results);
  for (std::size_t i = 0; i < outcome.results.size(); ++i) {
    if (!is_tolerable(outcome.results[i].status)) json[i]["replay"] = to_line(outcome.results[i], outcome.subject);
  }
  return json;
}

Json to_json(const CaseOutcome& outcome) {
  return {{"case", outcome.name},       {"file", outcome.file},          {"family", outcome.family},
          {"dtype", outcome.dtype},     {"steps", outcome.steps},        {"status", name_of(outcome.status)},
          {"seconds", outcome.seconds}, {"results", results_of(outcome)}};
}

Json to_json(const std::map<Status, std::size_t>& counts) {
  Json json = Json::object();
  for (const Status status : kStatuses) {
    const auto found = counts.find(status);
    json[std::string(name_of(status))] = found == counts.end() ? 0 : found->second;
  }
  return json;
}

Json to_json(const Spread& spread) {
  return {{"stages", spread.stages}, {"median_e", json_number(spread.median)}, {"max_e", json_number(spread.max)}};
}

Json to_json(const Confinement& confinement) {
  const auto said = [](const std::string& why_not) { return why_not.empty() ? "in force" : why_not; };
  return {{"seccomp", said(confinement.seccomp)}, {"landlock", said(confinement.landlock)}};
}

/// Beside the scores, which have a member of their own.
Json to_json(const Declaration& declaration) {
  return {{"sums", name_of(declaration.sums)},
          {"products", name_of(declaration.products)},
          {"flushes_subnormals", declaration.flushes_subnormals},
          {"same_bits_for_any_threads", declaration.same_bits_for_any_threads}};
}

Json to_json(const JudgedSummary& one) {
  Json json = {{"implementation", one.judged.implementation()},
               {"target", one.judged.target()},
               {"results", to_json(one.counts)},
               {"localised", to_json(one.localised)},
               {"end_to_end", to_json(one.end_to_end)},
               {"offered", {{"results", one.offered}, {"gaps", one.gaps}}}};
  if (one.standing) json["scores"] = name_of(one.standing->declaration.scores);
  if (one.standing && one.standing->confinement) {
    json["declares"] = to_json(one.standing->declaration);
    json["isolation"] = to_json(*one.standing->confinement);
  }
  if (one.peer_median) {
    json["peer"] = {{"median", json_number(*one.peer_median)},
                    {"share_more_accurate", json_number(one.share_more_accurate)}};
  }
  return json;
}

Json to_json(const Summary& summary) {
  Json judged = Json::array();
  for (const auto& one : summary.judged) judged.push_back(to_json(one));
  Json skips = Json::array();
  for (const auto& [reason, skip] : summary.skips) {
    skips.push_back({{"reason", reason}, {"results", skip.results}, {"implementations", skip.judged}});
  }
  Json sensitivity = {{"attentions", summary.attentions}};
  if (const Result* least = summary.least_sensitive) {
    sensitivity["least"] = to_json(*least->sensitivity);
    sensitivity["least"]["case"] = least->case_name;
    sensitivity["least"]["step"] = least->step;
  }
  return {{"sensitivity", sensitivity},
          {"cases", to_json(summary.cases)},
          {"results", to_json(summary.results)},
          {"skipped", skips},
          {"marginal", summary.marginal},
          {"ill_conditioned_rows", summary.ill_conditioned_rows},
          {"truth_agreement", {{"stages", summary.truth.stages}, {"max_share", json_number(summary.truth.max)}}},
          {"implementations", judged}};
}

/// The values that a row may take in each dimension, and what came of the rows.
Json to_json(const CoverageRun& run) {
  Json dimension_list = Json::array(), tallies = Json::array(), failures = Json::array();
  for (const auto& table : dimensions()) {
    Json values = Json::array();
    for (const auto& value : table.values) values.push_back(value.word);
    dimension_list.push_back({{"dimension", table.name}, {"values", values}});
  }
  for (const auto& tally : run.tallies) {
    tallies.push_back({{"implementation", tally.judged.implementation()},
                       {"target", tally.judged.target()},
                       {"passed", tally.passed},
                       {"failed", tally.failed},
                       {"skipped", tally.skipped},
                       {"max_e", json_number(tally.e)},
                       {"max_e_draw", tally.line}});
  }
  for (const auto& failure : run.failures) {
    Json json = to_json(failure);
    json["replay"] = replay_line_of_draw(failure);
    failures.push_back(json);
  }
  const auto combinations = [](const std::vector<Coverage::Absent>& holes) {
    Json json = Json::array();
    for (const auto& [what, reason] : holes) json.push_back({{"combination", what}, {"reason", reason}});
    return json;
  };
  const Coverage& coverage = run.coverage;
  const auto count = [&](Combination::Kind kind) {
    return Json{{"covered", coverage.of(kind).covered}, {"possible", coverage.of(kind).possible}};
  };
  return {{"draws", run.rows},
          {"selected", run.selected},
          {"seconds", run.seconds},
          {"dimensions", dimension_list},
          {"pairs", count(Combination::Kind::pair)},
          {"triples_with_regime", count(Combination::Kind::regime_triple)},
          {"triples_with_dtype", count(Combination::Kind::dtype_triple)},
          {"holes", combinations(coverage.holes)},
          {"left_out", combinations(coverage.left_out)},
          {"implementations", tallies},
          {"failures", failures},
          {"skipped", to_json(run.skipped)}};
}

Json to_json(const DrawRun& run) {
  Json tallies = Json::array(), failures = Json::array();
  for (const auto& tally : run.tallies) {
    tallies.push_back({{"implementation", tally.judged.implementation()},
                       {"target", tally.judged.target()},
                       {"passed", tally.passed},
                       {"failed", tally.failed},
                       {"skipped", tally.skipped},
                       {"could_not_tell", tally.cannot_tell},
                       {"not_asked", tally.not_asked},
                       {"max_e", json_number(tally.e)},
                       {"max_e_draw", tally.line}});
  }
  for (const auto& failure : run.failures) {
    failures.push_back({{"implementation", failure.judged.implementation()},
                        {"target", failure.judged.target()},
                        {"status", name_of(failure.status)},
                        {"message", failure.message},
                        {"replay", failure.line}});
  }
  return {{"seed", run.seed},       {"draws", run.asked},         {"drawn_again", run.redrawn},
          {"seconds", run.seconds}, {"implementations", tallies}, {"failures", failures}};
}

}  // namespace

std::string_view name_of(Gap gap) {
  switch (gap) {
    case Gap::none:
      return "";
    case Gap::not_offered:
      return "not_offered";
    case Gap::declared:
      return "declared";
  }
  return "";
}

Json report_document(const Run& run, const Summary& summary, const Fingerprint& fingerprint,
                     const ReportHeader& header) {
  Json cases = Json::array();
  for (const auto& outcome : run.cases) cases.push_back(to_json(outcome));
  const auto status = name_of(all_fine(run) ? Status::passed : Status::failed);
  Json document = {{"schema", "attest.report"},
                   {"schema_version", kReportSchemaVersion},
                   {"status", run.interrupted ? "interrupted" : status},
                   {"command", header.command},
                   {"shard", header.shard},
                   {"selected", run.selected},
                   {"seconds", run.seconds},
                   {"environment", fingerprint_json(fingerprint)},
                   {"summary", to_json(summary)},
                   {"setup", to_json(run.absences)},
                   {"cases", cases}};
  if (run.coverage) document["coverage"] = to_json(*run.coverage);
  if (run.draws) document["draws"] = to_json(*run.draws);
  return document;
}

}  // namespace attest::harness
