#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/replay_line.h"
#include "harness/report/html_page.h"
#include "harness/report/markup.h"

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
  return largest < 0 ? "<td>" + word + "</td>"
                     : fmt::format("<td{}>{}</td>", largest <= 1 ? "" : " class=\"failed\"", html_number(largest));
}

std::string row_of(const Json& item, const std::vector<std::string>& labels) {
  const auto word = [&](const char* member) { return escaped(item.at(member).get<std::string>()); };
  std::string html = fmt::format(
      "<tr data-status=\"{0}\"><th scope=\"row\">{1}</th><td class=\"word {0}\">{0}</td><td class=\"word\">{2}</td>"
      "<td class=\"word\">{3}</td><td>{4}</td>",
      word("status"), word("case"), word("family"), word("dtype"), item.at("steps").get<int>());
  for (const auto& label : labels) html += cell_of(item, label, "localised") + cell_of(item, label, "end_to_end");
  return html + "</tr>\n";
}

std::string trouble_of(const Json& trouble) {
  std::string html = "<p>" + escaped(trouble_text(trouble)) + "</p>\n";
  if (trouble.contains("explanation")) {
    html += "<p>" + escaped(trouble.at("explanation").at("pattern").get<std::string>()) + "</p>\n";
  }
  if (trouble.contains("worst")) {
    const auto& worst = trouble.at("worst");
    html += fmt::format("<p class=\"quiet\">worst element {}: got {:.9g}, expected {:.9g}, budget {:.3g}</p>\n",
                        worst.at("index").dump(), number_of(worst.at("got")), number_of(worst.at("expected")),
                        number_of(worst.at("budget")));
  }
  return html + "<p><code>" + escaped(replay_command(trouble.at("replay"))) + "</code></p>\n";
}

}  // namespace

std::string html_failures(const Json& document) {
  std::string html;
  for (const auto& item : document.at("cases")) {
    const auto troubles = troubles_of(item);
    if (troubles.empty()) continue;
    html += "<article><h3>" + escaped(item.at("case").get<std::string>()) + "</h3>\n" + trouble_of(*troubles[0]);
    if (troubles.size() > 1) html += fmt::format("<details><summary>{} more below it</summary>\n", troubles.size() - 1);
    for (std::size_t i = 1; i < troubles.size(); ++i) html += trouble_of(*troubles[i]);
    html += troubles.size() > 1 ? "</details></article>\n" : "</article>\n";
  }
  if (html.empty()) return html;
  return "<section aria-labelledby=\"failures\"><h2 id=\"failures\">What is wrong</h2>\n" + html + "</section>\n";
}

std::string html_cases(const Json& document) {
  std::vector<std::string> labels;
  for (const auto& one : document.at("summary").at("implementations")) labels.push_back(judged_label(one));
  std::string html =
      "<section aria-labelledby=\"every-case\"><h2 id=\"every-case\">Every case</h2>\n<form id=\"filter\" hidden>"
      "<label>Filter by words <input type=\"search\" name=\"text\" autocomplete=\"off\"></label><label>Status <select "
      "name=\"status\">"
      "<option value=\"\">any</option>";
  for (const auto& [status, count] : document.at("summary").at("cases").items())
    html += "<option>" + status + "</option>";
  html +=
      "</select></label><output id=\"shown\" aria-live=\"polite\"></output></form>\n"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Table of cases\"><table "
      "id=\"cases\"><thead><tr>"
      "<th scope=\"col\">case</th><th scope=\"col\" class=\"word\">status</th><th scope=\"col\" "
      "class=\"word\">family</th>"
      "<th scope=\"col\" class=\"word\">dtype</th><th scope=\"col\">steps</th>";
  for (const auto& label : labels) {
    for (const auto* mode : {"alone", "end to end"})
      html += fmt::format("<th scope=\"col\">{}<br>{}</th>", escaped(label), mode);
  }
  html += "</tr></thead><tbody>\n";
  for (const auto& item : document.at("cases")) html += row_of(item, labels);
  return html + "</tbody></table></div></section>\n";
}

}  // namespace attest::harness
