#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/verify_page.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostListed = 20;

std::string covered_tile(const Json& coverage, const char* member, std::string_view name) {
  const auto& count = coverage.at(member);
  return tile(name, fmt::format("{} of {}", count.at("covered").get<int>(), count.at("possible").get<int>()));
}

std::string tiles_of_coverage(const Json& coverage) {
  return element("dl class=tiles", tile("draws judged", fmt::format("{} of {}", coverage.at("draws").get<int>(),
                                                                    coverage.at("selected").get<int>())) +
                                       covered_tile(coverage, "pairs", "pairs of values") +
                                       covered_tile(coverage, "triples_with_regime", "mask, size and regime") +
                                       covered_tile(coverage, "triples_with_dtype", "mask, keys and dtype") +
                                       tile("holes", fmt::format("{}", coverage.at("holes").size())));
}

std::string implementations_of(const Json& coverage) {
  std::string rows;
  for (const auto& one : coverage.at("implementations")) {
    std::string cells = row_header(short_label(judged_label(one)));
    for (const auto* status : {"passed", "failed", "skipped"}) {
      cells += number_cell(fmt::format("{}", one.at(status).get<int>()));
    }
    const double largest = number_of(one.at("max_e"));
    rows += element("tr", cells + bar_cell(e_text(largest), largest));
  }
  return table("Draws of the covering array",
               table_head({{"implementation", Align::word}, {"passed"}, {"failed"}, {"skipped"}, {"largest e"}}), rows);
}

std::string failures_of(const Json& coverage) {
  std::string items;
  const auto& failures = coverage.at("failures");
  for (std::size_t i = 0; i < failures.size() && i < kMostListed; ++i) {
    const auto text = [&](const char* member) { return escaped(failures[i].at(member).get<std::string>()); };
    items += element("li", status_word(failures[i].at("status").get<std::string>()) + " " + text("stage") + ": " +
                               text("message") + "<br>" + element("code", "attest replay '" + text("replay") + "'"));
  }
  if (failures.size() > kMostListed) {
    items += element("li", fmt::format("and {} more", failures.size() - kMostListed));
  }
  return items.empty() ? "" : element("ul class=plain", items);
}

std::string combinations(std::string_view title, const Json& combinations) {
  std::string rows;
  for (const auto& one : combinations) {
    rows += element(
        "tr", word_cell(one.at("combination").get<std::string>()) + word_cell(one.at("reason").get<std::string>()));
  }
  if (rows.empty()) return "";
  const std::string head = table_head({{"combination", Align::word}, {"reason", Align::word}});
  return element("details", text_element("summary", title) + table(title, head, rows));
}

}  // namespace

std::string coverage_section(const Json& document) {
  if (!document.contains("coverage")) return "";
  const auto& coverage = document.at("coverage");
  return tiles_of_coverage(coverage) + implementations_of(coverage) + failures_of(coverage) +
         combinations("Holes", coverage.at("holes")) + combinations("Left out", coverage.at("left_out"));
}

}  // namespace attest::harness
