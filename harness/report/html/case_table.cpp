#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/page.h"
#include "harness/report/html/verify_page.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

/// The largest e of one implementation on one case, or what there is instead of a number.
std::string cell_of(const Json& item, const std::string& label, const std::string& mode) {
  double largest = -1.0;
  std::string word = "–";
  for (const auto& result : item.at("results")) {
    if (judged_label(result) != label) continue;
    const auto status = result.at("status").get<std::string>();
    if (status == "skipped" && word == "–") word = "skip";
    if (result.at("mode") == "error") word = status == "passed" ? "raises" : status;
    if (result.at("mode") == mode && status != "skipped") largest = std::max(largest, number_of(result.at("e")));
  }
  if (largest < 0) return text_element("td class=quiet", word);
  return largest <= 1 ? bar_cell(e_text(largest), largest) : text_element("td class=failed", e_text(largest));
}

std::string row_of_case(const Json& item, const std::vector<std::string>& labels) {
  const auto word = [&](const char* member) { return item.at(member).get<std::string>(); };
  std::string cells = row_header(word("case")) + element("td class=word", status_word(word("status")));
  for (const auto& label : labels) cells += cell_of(item, label, "localised") + cell_of(item, label, "end_to_end");
  cells += word_cell(word("family")) + word_cell(word("dtype")) +
           number_cell(fmt::format("{}", item.at("steps").get<int>()));
  return element(fmt::format("tr data-status={} data-dtype={}", word("status"), word("dtype")), cells);
}

/// Two columns for each implementation below its name.
std::string head_of(const std::vector<std::string>& labels) {
  std::string upper, lower;
  std::size_t column = 0;
  const auto add_tall = [&](const std::string& name, const char* css_class) {
    upper +=
        element(fmt::format("th scope=col rowspan=2 class={}{}", css_class, sort_attributes(name, column++)), name);
  };
  for (const auto* name : {"case", "status"}) add_tall(name, "word");
  for (const auto& label : labels) {
    upper += text_element("th scope=colgroup colspan=2 class=group", short_label(label));
    lower += element("th scope=col" + sort_attributes("alone:" + label, column++), "alone");
    lower += element("th scope=col" + sort_attributes("e2e:" + label, column++), "e2e");
  }
  for (const auto* name : {"family", "dtype"}) add_tall(name, "word");
  add_tall("steps", "number");
  return element("tr", upper) + element("tr", lower);
}

}  // namespace

std::string case_table(const Json& document) {
  std::vector<std::string> labels, statuses;
  for (const auto& one : document.at("summary").at("implementations")) labels.push_back(judged_label(one));
  for (const auto& [status, count] : document.at("summary").at("cases").items()) statuses.push_back(status);
  std::string rows;
  for (const auto& item : document.at("cases")) rows += row_of_case(item, labels);
  return text_element("p class=quiet", "The largest e of each case: every stage alone, and end to end (e2e).") +
         filter_form("cases", "cases", {{"status", "Status", statuses}, {"dtype", "Dtype", {"float32", "bfloat16"}}}) +
         table("Cases", head_of(labels), rows, "id=cases class=pinned");
}

}  // namespace attest::harness
