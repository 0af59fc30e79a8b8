#include "harness/report/html/verify_page.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/page.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

std::string tiles_of_run(const Json& document) {
  const auto& summary = document.at("summary");
  std::string tiles =
      tile("cases judged", fmt::format("{} of {}", document.at("cases").size(), document.at("selected").get<int>()));
  for (const auto& [status, count] : summary.at("cases").items()) {
    if (count > 0) tiles += tile(status, fmt::format("<span class=\"{}\">{}</span>", status, count.get<int>()));
  }
  double largest = 0.0;
  for (const auto& one : summary.at("implementations")) {
    for (const auto* mode : {"localised", "end_to_end"}) {
      largest = std::max(largest, number_of(one.at(mode).at("max_e")));
    }
  }
  tiles += tile("largest e, at most 1 to pass", e_text(largest));
  tiles += tile("float64 truths differ, of what they may",
                percent_text(number_of(summary.at("truth_agreement").at("max_share"))));
  return element("dl class=tiles", tiles);
}

std::string row_of_implementation(const Json& one) {
  std::string cells = row_header(short_label(judged_label(one)));
  for (const auto* mode : {"localised", "end_to_end"}) {
    const auto& spread = one.at(mode);
    const double largest = number_of(spread.at("max_e"));
    cells += number_cell(fmt::format("{}", spread.at("stages").get<int>())) +
             number_cell(e_text(number_of(spread.at("median_e")))) + bar_cell(e_text(largest), largest);
  }
  if (!one.contains("peer")) return element("tr", cells + number_cell("–") + number_cell("–"));
  const auto& peer = one.at("peer");
  return element("tr", cells + number_cell(fmt::format("{:.2f}", number_of(peer.at("median")))) +
                           number_cell(fmt::format("{:.0f} %", 100 * number_of(peer.at("share_more_accurate")))));
}

constexpr auto kImplementationHead =
    "<tr><th scope=col rowspan=2>implementation</th><th scope=colgroup colspan=3 class=group>each stage alone</th>"
    "<th scope=colgroup colspan=3 class=group>end to end</th>"
    "<th scope=colgroup colspan=2 class=group>beside torchtune’s own error</th></tr>\n"
    "<tr><th scope=col>stages</th><th scope=col>median e</th><th scope=col>largest e</th>"
    "<th scope=col>stages</th><th scope=col>median e</th><th scope=col>largest e</th>"
    "<th scope=col>rms ratio</th><th scope=col>rows better</th></tr>\n";

std::string skips_of(const Json& summary) {
  std::string items;
  for (const auto& skip : summary.at("skipped")) {
    items += element("li", fmt::format("<span class=skipped>{} skipped</span>: {}", skip.at("results").get<int>(),
                                       escaped(skip.at("reason").get<std::string>())));
  }
  return items.empty() ? "" : element("ul class=plain", items);
}

std::string budget_plots(const Json& document) {
  const BudgetUse use = budget_use(document);
  if (use.stages.empty()) return "";
  return element("div class=figures", budget_by_stage(use) + budget_beside_torchtune(use));
}

}  // namespace

std::string verify_summary(const Json& document) {
  const auto& summary = document.at("summary");
  std::string rows;
  for (const auto& one : summary.at("implementations")) rows += row_of_implementation(one);
  return tiles_of_run(document) +
         element("p",
                 "<i>e</i> is the share of the error budget that is used: a pass is <i>e</i> ≤ 1 at every element. "
                 "<i>Alone</i>: each stage on the input that torchtune recorded for it. <i>End to end</i>: from x to "
                 "the output.") +
         table("Implementations", kImplementationHead, rows, "class=pinned") + skips_of(summary);
}

std::string verify_page(const Json& document) {
  return page(document, "attest verify",
              {{"summary", "Summary", verify_summary(document)},
               {"failures", "What is wrong", case_failures(document)},
               {"coverage", "The covering array", coverage_section(document)},
               {"budget", "The error budget", budget_plots(document)},
               {"every-case", "Every case", case_table(document)}});
}

}  // namespace attest::harness
