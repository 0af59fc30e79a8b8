#include "harness/report/html/selftest_page.h"

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

std::string out_of(std::ptrdiff_t count, std::size_t all, const char* css_class) {
  return fmt::format("<span class=\"{}\">{}</span> of {}", css_class, count, all);
}

std::string totals_of(const Json& document) {
  const auto &bugs = document.at("bugs"), &variants = document.at("variants");
  const auto count = [](const Json& all, const char* status) {
    return std::ranges::count_if(all, [&](const Json& one) { return one.at("status") == status; });
  };
  const auto noticed = count(bugs, "noticed"), survived = count(bugs, "survived"),
             equivalent = count(bugs, "equivalent");
  const auto named = std::ranges::count_if(bugs, [](const Json& bug) { return bug.at("named").get<bool>(); });
  std::string tiles = tile("planted bugs noticed", out_of(noticed, bugs.size(), "passed"));
  tiles += tile("survived", fmt::format("<span class=\"{}\">{}</span>", survived == 0 ? "passed" : "failed", survived));
  if (equivalent > 0) tiles += tile("equivalent: nothing could notice", fmt::format("{}", equivalent));
  if (!bugs.empty()) {
    tiles += tile("named by an explanation",
                  fmt::format("{:.0f} %", 100 * static_cast<double>(named) / static_cast<double>(bugs.size())));
  }
  if (!variants.empty()) {
    const auto accepted = count(variants, "accepted");
    const bool all = accepted == static_cast<std::ptrdiff_t>(variants.size());
    tiles += tile("correct variants accepted", out_of(accepted, variants.size(), all ? "passed" : "failed"));
  }
  return element("dl class=tiles", tiles) +
         element(
             "p",
             "Bugs are planted, one at a time, in a small attention layer, and each is judged like anybody’s library "
             "on every family of inputs. A bug that survives is a hole in the harness; so is a correct variant that "
             "is rejected.");
}

}  // namespace

std::string variant_table(const Json& document) {
  std::string rows;
  for (const auto& variant : document.at("variants")) {
    const auto word = [&](const char* member) { return variant.at(member).get<std::string>(); };
    const double largest = number_of(variant.at("largest_e"));
    std::string trouble = word("broken_law").empty() ? "" : "breaks the law " + word("broken_law") + "; ";
    for (const auto& [family, rejection] : variant.at("rejections").items()) {
      trouble += fmt::format("{}: {}; ", family, rejection.at("message").get<std::string>());
    }
    rows += element("tr", row_header(word("variant")) + element("td class=word", status_word(word("status"))) +
                              bar_cell(e_text(largest), largest) +
                              number_cell(fmt::format("{}", variant.at("passed").get<std::size_t>())) +
                              word_cell(word("description") + (trouble.empty() ? "" : ". " + trouble)));
  }
  if (rows.empty()) return "";
  return table("Correct variants",
               table_head({{"variant", Align::word},
                           {"status", Align::word},
                           {"largest e"},
                           {"results"},
                           {"what it does otherwise", Align::word}}),
               rows, "class=pinned");
}

std::string selftest_page(const Json& document) {
  return page(document, "attest selftest",
              {{"summary", "Summary", totals_of(document)},
               {"kill-matrix", "Kill matrix", kill_matrix(document)},
               {"variants", "Correct variants", variant_table(document)},
               {"bugs", "Bug by bug", bug_details(document)}});
}

}  // namespace attest::harness
