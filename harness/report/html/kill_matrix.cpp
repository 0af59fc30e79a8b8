#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/page.h"
#include "harness/report/html/selftest_page.h"
#include "harness/selftest/check_letter.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr auto kKey =
    "<ul class=\"legend checks\"><li><span class=C>C</span>the call itself: crash, stray access, other bits with other "
    "threads</li><li><span class=S>S</span>a stage alone</li><li><span class=X>X</span>its exact bits</li>"
    "<li><span class=E>E</span>the layer, end to end</li><li><span>·</span>not noticed</li></ul>\n";

/// A letter, which colour only repeats.
std::string cell_of(const Json& rejections, const std::string& family) {
  const auto found = rejections.find(family);
  if (found == rejections.end()) return "<td class=check>·</td>";
  const char letter = letter_of_check(found->at("check").get<std::string>());
  return fmt::format("<td class=\"check {0}\">{0}</td>", letter);
}

std::string row_of_bug(const Json& bug, const std::vector<std::string>& families) {
  const auto word = [&](const char* member) { return bug.at(member).get<std::string>(); };
  const auto& rejections = bug.at("rejections");
  std::string cells =
      element("th scope=row", fmt::format("<a href=#bug-{}>{}</a>", word("bug"), breakable(word("bug"))));
  for (const auto& family : families) cells += cell_of(rejections, family);
  const bool named = bug.at("named").get<bool>();
  return element(fmt::format("tr data-status={} data-area={} data-named={}", word("status"), word("area"),
                             named ? "named" : "\"not named\""),
                 cells + number_cell(fmt::format("{}", rejections.size())) +
                     element("td class=word", status_word(word("status"))) + word_cell(named ? "named" : "–") +
                     word_cell(word("broken_law").empty() ? "–" : word("broken_law")) + word_cell(word("area")));
}

/// The families' names stand upright, so that a column is as wide as its letter.
std::string head_of_matrix(const std::vector<std::string>& families) {
  std::size_t column = 0;
  const auto heading = [&](std::string_view name, std::string_view key, std::string_view css_class) {
    return text_element(fmt::format("th scope=col class={}{}", css_class, sort_attributes(key, column++)), name);
  };
  std::string cells = heading("planted bug", "bug", "word");
  for (const auto& family : families) cells += heading(family, family, "upright");
  cells += heading("families", "families", "number");
  const std::pair<const char*, const char*> words[] = {
      {"status", "status"}, {"named", "named"}, {"law broken", "law"}, {"area", "area"}};
  for (const auto& [name, key] : words) cells += heading(name, key, "word");
  return element("tr", cells);
}

}  // namespace

std::string kill_matrix(const Json& document) {
  const auto families = document.at("families").get<std::vector<std::string>>();
  std::string rows;
  std::vector<std::string> areas;
  for (const auto& bug : document.at("bugs")) {
    rows += row_of_bug(bug, families);
    if (const auto area = bug.at("area").get<std::string>(); areas.empty() || areas.back() != area)
      areas.push_back(area);
  }
  return element("p",
                 "Each cell: the first check that noticed the bug in a case of that family. <i>Named</i>: an "
                 "explanation says which bug it is.") +
         kKey +
         filter_form("matrix", "bugs",
                     {{"status", "Status", {"noticed", "survived", "equivalent"}},
                      {"area", "Area", areas},
                      {"named", "Named", {"named", "not named"}}}) +
         table("Kill matrix: planted bugs by family of inputs", head_of_matrix(families), rows,
               "id=matrix class=pinned");
}

}  // namespace attest::harness
