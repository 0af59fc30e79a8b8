#include "harness/report/job_summary.h"

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "harness/report/ci_outcomes.h"
#include "harness/report/document/markup.h"
#include "harness/report/terminal_table.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

// --- verify ----------------------------------------------------------------------------------------------------------

/// "0.25 | 0.53"
std::string cells_of(const Json& spread) {
  if (spread.at("stages") == 0) return "- | -";
  return short_e(number_of(spread.at("median_e"))) + " | " + short_e(number_of(spread.at("max_e")));
}

std::string summary_of_verify(const Json& document) {
  const auto& summary = document.at("summary");
  const auto& cases = summary.at("cases");
  std::string lines = fmt::format(
      "{} cases passed, {} failed, {} skipped.\n\n"
      "| implementation | alone: median e | max | end to end: median e | max |\n|---|--:|--:|--:|--:|\n",
      cases.at("passed").get<int>(), cases.at("failed").get<int>(), cases.at("skipped").get<int>());
  for (const auto& one : summary.at("implementations")) {
    lines += fmt::format("| {} | {} | {} |\n", judged_label(one), cells_of(one.at("localised")),
                         cells_of(one.at("end_to_end")));
  }
  return lines;
}

// --- profile ---------------------------------------------------------------------------------------------------------

/// "torchtune takes 1.52 times as long (1.40 to 1.61); faster (baseline; 1.25 times as fast)"
std::string comparisons_of(const Json& item) {
  const std::string calls = text_of(item, "fraction_of");
  std::string lines;
  for (const auto& peer : item.at("peers")) {
    const auto& ratio = peer.at(calls + "_ratio");
    lines += fmt::format("{}{} takes {:.2f} times as long ({:.2f} to {:.2f})", lines.empty() ? "" : "; ",
                         text_of(peer, "name"), number_of(ratio.at("each").at("median")),
                         number_of(ratio.at("interval").at("low")), number_of(ratio.at("interval").at("high")));
  }
  if (!item.contains("baseline")) return lines;
  const auto& baseline = item.at("baseline");
  return lines + fmt::format("{}{} (baseline; {:.2f} times as fast)", lines.empty() ? "" : "; ",
                             text_of(baseline, "verdict"), number_of(baseline.at("speed_up")));
}

std::string row_of_item(const Json& item) {
  const std::string calls = text_of(item, "fraction_of");
  const bool is_invalid = item.at("status") == "invalid";
  return fmt::format("| {} {}, batch {} | {} | {} | {:.3f} ({}) | {} | {} | {:.3f} | {} | {} |\n",
                     text_of(item, "layer"), text_of(item, "work"), item.at("batch").get<int>(),
                     text_of(item, "target"), item.at("threads").get<int>(),
                     1e3 * item.at(calls).at("median").get<double>(), calls, text_of(item.at("limit"), "by"),
                     is_invalid ? "none" : fmt::format("{:.1f} %", 100 * number_of(item.at("fraction"))),
                     number_of(item.at("verified").at("e")), text_of(item, "status"), comparisons_of(item));
}

std::string summary_of_profile(const Json& document) {
  std::string lines =
      fmt::format("{} of {} work items timed on {}.\n\n", document.at("items").size(),
                  document.at("selected").get<int>(), text_of(document.at("environment"), "cpu")) +
      "| work | target | threads | ms, median | limited by | of the limit | largest e | verdict | comparison |\n"
      "|---|---|--:|--:|---|--:|--:|---|---|\n";
  for (const auto& item : document.at("items")) lines += row_of_item(item);
  return lines;
}

// --- selftest --------------------------------------------------------------------------------------------------------

struct Area {
  int bugs = 0, noticed = 0, named = 0, equivalent = 0, survived = 0;
};

std::map<std::string, Area> areas_of(const Json& document) {
  std::map<std::string, Area> areas;
  for (const auto& bug : document.at("bugs")) {
    Area& area = areas[text_of(bug, "area")];
    const auto status = text_of(bug, "status");
    area.bugs += 1;
    area.noticed += status == "noticed" ? 1 : 0;
    area.equivalent += status == "equivalent" ? 1 : 0;
    area.survived += status == "survived" ? 1 : 0;
    area.named += bug.at("named").get<bool>() ? 1 : 0;
  }
  return areas;
}

std::string summary_of_selftest(const Json& document) {
  int accepted = 0;
  for (const auto& variant : document.at("variants")) accepted += variant.at("status") == "accepted" ? 1 : 0;
  std::string lines = fmt::format(
      "{} planted bugs tried; {} of {} correct variants accepted.\n\n"
      "| area | bugs | noticed | named | equivalent | survived |\n|---|--:|--:|--:|--:|--:|\n",
      document.at("bugs").size(), accepted, document.at("variants").size());
  for (const auto& [name, area] : areas_of(document)) {
    lines += fmt::format("| {} | {} | {} | {} | {} | {} |\n", name, area.bugs, area.noticed, area.named,
                         area.equivalent, area.survived);
  }
  return lines;
}

// --- all -------------------------------------------------------------------------------------------------------------

std::string numbers_of(const Json& document) {
  const auto schema = text_of(document, "schema");
  if (schema == "attest.profile") return summary_of_profile(document);
  if (schema == "attest.selftest") return summary_of_selftest(document);
  return summary_of_verify(document);
}

std::string command_of(const Json& document) {
  const auto schema = text_of(document, "schema");
  return schema == "attest.report" ? "attest verify" : "attest " + schema.substr(schema.find('.') + 1);
}

/// A paragraph for each, with its details as a block of code.
std::string troubles_in(const Json& document) {
  std::string lines;
  for (const auto& outcome : ci_outcomes(document)) {
    if (!outcome.is_trouble()) continue;
    lines += fmt::format("\n**{}/{}** {}\n", outcome.group, outcome.name, outcome.message);
    if (!outcome.details.empty()) lines += fmt::format("\n```text\n{}```\n", outcome.details);
  }
  return lines;
}

}  // namespace

std::string job_summary(const Json& document) {
  return fmt::format("### {}: {}\n\n{}{}\n", command_of(document), text_of(document, "status"), numbers_of(document),
                     troubles_in(document));
}

}  // namespace attest::harness
