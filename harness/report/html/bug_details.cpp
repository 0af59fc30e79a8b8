#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/selftest_page.h"
#include "harness/selftest/check_letter.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

/// What the explanations of all families say, each sentence once, the right one marked.
std::string explanations_of(const Json& bug) {
  std::set<std::string> seen;
  std::string items;
  for (const auto& [family, rejection] : bug.at("rejections").items()) {
    for (const auto& finding : rejection.at("explanation")) {
      const auto sentence = finding.at("sentence").get<std::string>();
      if (!seen.insert(sentence).second) continue;
      const bool is_right = finding.at("finding") == bug.at("finding");
      items += element("li", escaped(sentence) + (is_right ? " <span class=passed>(this is it)</span>" : ""));
    }
  }
  return items.empty() ? "" : text_element("p", "It looks as if") + element("ul", items);
}

std::string evidence_of(const Json& bug) {
  std::string rows;
  for (const auto& [family, of_family] : bug.at("rejections").items()) {
    const Json& rejection = of_family;  // Clang 16 with OpenMP captures no structured binding
    const auto word = [&](const char* member) { return rejection.at(member).get<std::string>(); };
    const std::string letter(1, letter_of_check(word("check")));
    rows += element("tr", row_header(family) + element(fmt::format("td class=\"check {}\"", letter), letter) +
                              word_cell(fmt::format("{}, step {}", word("stage"), rejection.at("step").get<int>())) +
                              number_cell(e_text(number_of(rejection.at("e")))) + word_cell(word("message")) +
                              element("td class=word", text_element("code", word("case"))));
  }
  if (rows.empty()) return "";
  return table("Evidence against " + bug.at("bug").get<std::string>(),
               table_head({{"family", Align::word},
                           {"check", Align::word},
                           {"where", Align::word},
                           {"e"},
                           {"what was wrong", Align::word},
                           {"case", Align::word}}),
               rows);
}

std::string details_of(const Json& bug) {
  const auto word = [&](const char* member) { return bug.at(member).get<std::string>(); };
  std::string text;
  if (bug.at("rejections").empty()) text += text_element("p", "No case noticed it.");
  if (!word("equivalence").empty()) text += text_element("p", "Equivalent: " + word("equivalence"));
  if (!word("broken_law").empty()) text += element("p", "Breaks the law " + text_element("code", word("broken_law")));
  // The name to link to stands inside: a browser opens what hides it.
  return element(
      "details class=bug",
      element("summary", element("strong", breakable(word("bug"))) + text_element("span", word("description")) +
                             status_word(word("status"))) +
          element(fmt::format("div id=bug-{}", word("bug")), text + explanations_of(bug) + evidence_of(bug)));
}

}  // namespace

std::string bug_details(const Json& document) {
  std::string html;
  for (const auto& bug : document.at("bugs")) html += details_of(bug);
  return html;
}

}  // namespace attest::harness
