#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "harness/report/html_page.h"
#include "harness/report/markup.h"
#include "harness/report/report_kinds.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

std::string tile(const std::string& name, const std::string& value) {
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", name, value);
}

std::string row_of(const Json& one) {
  const auto &alone = one.at("localised"), &whole = one.at("end_to_end");
  std::string cells = fmt::format("<tr><th scope=\"row\">{}</th>", escaped(judged_label(one)));
  for (const auto* spread : {&alone, &whole}) {
    cells += fmt::format("<td>{}</td><td>{}</td><td>{}</td>", spread->at("stages").get<int>(),
                         html_number(number_of(spread->at("median_e"))), html_number(number_of(spread->at("max_e"))));
  }
  if (!one.contains("peer")) return cells + "<td>–</td><td>–</td></tr>\n";
  return cells + fmt::format("<td>{:.2f}</td><td>{:.0f} %</td></tr>\n", number_of(one.at("peer").at("median")),
                             100 * number_of(one.at("peer").at("share_more_accurate")));
}

std::string header_of(const Json& document) {
  const auto& environment = document.at("environment");
  std::string command;
  for (const auto& word : document.at("command")) command += (command.empty() ? "" : " ") + word.get<std::string>();
  return fmt::format(
      "<header><h1>attest verify: <span class=\"{0}\">{0}</span></h1>\n<p class=\"quiet\">attest {1} on {2}, {3} "
      "threads, "
      "{4:.1f} s</p>\n<p><code>{5}</code></p></header>\n",
      document.at("status").get<std::string>(), escaped(environment.at("attest").get<std::string>()),
      escaped(environment.at("cpu").get<std::string>()), environment.at("threads").get<int>(),
      document.at("seconds").get<double>(), escaped(command));
}

}  // namespace

std::string html_number(double value) {
  return value != 0 && value < 0.01 ? fmt::format("{:.0e}", value) : fmt::format("{:.2f}", value);
}

std::string html_summary(const Json& document) {
  const auto& summary = document.at("summary");
  std::string html = "<section aria-labelledby=\"summary\"><h2 id=\"summary\">Summary</h2>\n<dl class=\"tiles\">";
  html +=
      tile("cases judged", fmt::format("{} of {}", document.at("cases").size(), document.at("selected").get<int>()));
  for (const auto& [status, count] : summary.at("cases").items()) {
    if (count > 0)
      html += tile("cases " + status, fmt::format("<span class=\"{}\">{}</span>", status, count.get<int>()));
  }
  html += tile("float64 truths differ by, of what they may",
               fmt::format("{:.1f} %", 100 * number_of(summary.at("truth_agreement").at("max_share"))));
  html +=
      "</dl>\n<p><i>e</i> is the share of the error budget that is used: a pass is <i>e</i> ≤ 1 at every element. "
      "<i>Alone</i>: each stage on the input that torchtune recorded for it. <i>End to end</i>: from x to the "
      "output.</p>\n"
      "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Implementations\"><table><thead><tr>"
      "<th scope=\"col\">implementation</th><th scope=\"col\">stages alone</th><th scope=\"col\">median e</th>"
      "<th scope=\"col\">largest e</th><th scope=\"col\">stages end to end</th><th scope=\"col\">median e</th>"
      "<th scope=\"col\">largest e</th><th scope=\"col\">rms error ÷ torchtune’s</th>"
      "<th scope=\"col\">rows more accurate</th></tr></thead><tbody>\n";
  for (const auto& one : summary.at("implementations")) html += row_of(one);
  html += "</tbody></table></div>\n";
  for (const auto& skip : summary.at("skipped")) {
    html += fmt::format("<p><span class=\"skipped\">{} skipped</span>: {}</p>\n", skip.at("results").get<int>(),
                        escaped(skip.at("reason").get<std::string>()));
  }
  return html + "</section>\n";
}

std::string html_report(const Json& document) {
  return "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
         "<link rel=\"icon\" href=\"data:,\">\n<title>attest verify: " +
         document.at("status").get<std::string>() + "</title>\n<style>" + kStyleSheet + "</style></head>\n<body>\n" +
         header_of(document) + "<main>\n" + html_summary(document) + html_failures(document) + html_plots(document) +
         html_cases(document) + "</main>\n<footer>Made by attest; needs no network.</footer>\n<script>" + kScript +
         "</script>\n</body></html>\n";
}

}  // namespace attest::harness
