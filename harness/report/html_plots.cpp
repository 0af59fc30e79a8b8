#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "fixtures/case.h"
#include "harness/report/html_page.h"
#include "harness/report/markup.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kWidth = 380, kLeft = 70, kRight = 365;
constexpr int kColours = 6;

struct Plotted {
  std::vector<std::string> labels;                                            ///< who is judged
  std::map<std::pair<std::string, std::size_t>, std::vector<double>> shares;  ///< (stage, who) -> e, alone
  std::vector<std::vector<double>> largest;                                   ///< [case][who], or -1
};

Plotted collect(const Json& document) {
  Plotted plotted;
  for (const auto& one : document.at("summary").at("implementations")) plotted.labels.push_back(judged_label(one));
  for (const auto& item : document.at("cases")) {
    auto& largest = plotted.largest.emplace_back(plotted.labels.size(), -1.0);
    for (const auto& result : item.at("results")) {
      const auto who =
          static_cast<std::size_t>(std::ranges::find(plotted.labels, judged_label(result)) - plotted.labels.begin());
      if (who == plotted.labels.size() || result.at("mode") != "localised" || !result.contains("worst")) continue;
      const double e = number_of(result.at("e"));
      plotted.shares[{result.at("stage").get<std::string>(), who}].push_back(e);
      largest[who] = std::max(largest[who], e);
    }
  }
  for (auto& [place, values] : plotted.shares) std::ranges::sort(values);
  return plotted;
}

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

std::string legend(const Plotted& plotted) {
  std::string html = "<ul class=\"legend\">";
  for (std::size_t who = 0; who < plotted.labels.size(); ++who) {
    html += fmt::format("<li><span class=\"k{}\"></span>{}</li>", who % kColours, escaped(plotted.labels[who]));
  }
  return html + "</ul>\n";
}

/// e from 0 to 1, and what is beyond on the edge.
double x_of(double e) { return kLeft + (kRight - kLeft) * (std::isfinite(e) ? std::clamp(e, 0.0, 1.05) : 1.05) / 1.05; }

std::string axis(double height) {
  std::string svg;
  for (const double e : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    svg += fmt::format(
        "<line class=\"{0}\" x1=\"{1:.1f}\" x2=\"{1:.1f}\" y1=\"2\" y2=\"{2}\"/><text x=\"{1:.1f}\" y=\"{3}\" "
        "text-anchor=\"middle\">{4}</text>",
        e == 1.0 ? "limit" : "axis", x_of(e), height - 16, height - 4, e);
  }
  return svg;
}

/// One stage and implementation: from the 5th to the 95th percentile a line, the median a dot, the largest a small one.
std::string strip(const std::vector<double>& shares, std::size_t who, double y) {
  const auto colour = who % kColours;
  return fmt::format(
      "<line class=\"range k{0}\" x1=\"{1:.1f}\" x2=\"{2:.1f}\" y1=\"{3}\" y2=\"{3}\"/>"
      "<circle class=\"k{0}\" cx=\"{4:.1f}\" cy=\"{3}\" r=\"3\"/><circle class=\"k{0}\" cx=\"{5:.1f}\" cy=\"{3}\" "
      "r=\"1.2\"/>\n",
      colour, x_of(quantile(shares, 0.05)), x_of(quantile(shares, 0.95)), y, x_of(quantile(shares, 0.5)),
      x_of(shares.back()));
}

std::string distribution(const Plotted& plotted) {
  std::string strips, rows;
  double y = 8;
  for (const auto stage : kStages) {
    const std::string name(name_of(stage));
    const double top = y;
    for (std::size_t who = 0; who < plotted.labels.size(); ++who) {
      const auto found = plotted.shares.find({name, who});
      if (found == plotted.shares.end()) continue;
      const auto& shares = found->second;
      strips += strip(shares, who, y);
      rows += fmt::format(
          "<tr><th scope=\"row\">{}</th><td class=\"word\">{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n",
          name, escaped(plotted.labels[who]), shares.size(), html_number(quantile(shares, 0.5)),
          html_number(quantile(shares, 0.95)), html_number(shares.back()));
      y += 8;
    }
    if (y > top) strips += fmt::format("<text x=\"0\" y=\"{}\">{}</text>\n", (top + y) / 2, name);
    y += y > top ? 6 : 0;
  }
  return fmt::format(
      "<figure><figcaption>Share of the error budget used, stage by stage, alone</figcaption>{}"
      "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"e of each stage and implementation; the numbers are in the "
      "table below\">{}{}</svg>"
      "<p class=\"quiet\">Dot: median. Line: 5th to 95th percentile. Small dot: largest. Dashed: the limit.</p>"
      "<details><summary>The numbers</summary><div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"e of "
      "each stage\"><table><thead><tr>"
      "<th scope=\"col\">stage</th><th scope=\"col\" class=\"word\">implementation</th><th "
      "scope=\"col\">results</th><th scope=\"col\">median e</th>"
      "<th scope=\"col\">95th percentile</th><th "
      "scope=\"col\">largest</th></tr></thead><tbody>{}</tbody></table></div></details></figure>\n",
      legend(plotted), kWidth, y + 20, axis(y + 20), strips, rows);
}

/// Each case a dot: the largest e of torchtune's own output, and of ours.
std::string against_torchtune(const Plotted& plotted) {
  const auto torchtune =
      static_cast<std::size_t>(std::ranges::find(plotted.labels, "torchtune") - plotted.labels.begin());
  if (torchtune == plotted.labels.size()) return "";
  const auto y_at = [](double e) { return 300 - (x_of(e) - kLeft); };
  std::string points, rows;
  for (std::size_t who = 0; who < plotted.labels.size(); ++who) {
    int lower = 0, count = 0;
    for (const auto& largest : plotted.largest) {
      if (who == torchtune || largest[who] < 0 || largest[torchtune] < 0) continue;
      points += fmt::format("<circle class=\"point k{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"2.5\"/>\n", who % kColours,
                            x_of(largest[torchtune]), y_at(largest[who]));
      lower += largest[who] < largest[torchtune] ? 1 : 0;
      ++count;
    }
    if (count > 0)
      rows += fmt::format("<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td></tr>\n", escaped(plotted.labels[who]),
                          count, lower);
  }
  std::string ticks;
  for (const double e : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    ticks += fmt::format(
        "<line class=\"{0}\" x1=\"{1}\" x2=\"{2}\" y1=\"{3:.1f}\" y2=\"{3:.1f}\"/><text x=\"{4}\" y=\"{5:.1f}\" "
        "text-anchor=\"end\">{6}</text>",
        e == 1.0 ? "limit" : "axis", kLeft, kRight, y_at(e), kLeft - 5, y_at(e) + 3, e);
  }
  return fmt::format(
      "<figure><figcaption>Ours against torchtune’s own error: largest e of each case, alone</figcaption>{}"
      "<svg viewBox=\"0 0 {} 336\" role=\"img\" aria-label=\"Largest e of each case: torchtune across, ours up; counts "
      "are in the table below\">{}{}"
      "<line class=\"axis\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>{}<text x=\"{}\" y=\"334\" "
      "text-anchor=\"middle\">torchtune</text></svg>"
      "<details><summary>The numbers</summary><table><thead><tr><th scope=\"col\">implementation</th><th "
      "scope=\"col\">cases</th>"
      "<th scope=\"col\">with a smaller e than "
      "torchtune</th></tr></thead><tbody>{}</tbody></table></details></figure>\n",
      legend(plotted), kWidth, axis(318), ticks, x_of(0), y_at(0), x_of(1), y_at(1), points, (kLeft + kRight) / 2,
      rows);
}

}  // namespace

std::string html_plots(const Json& document) {
  const auto plotted = collect(document);
  if (plotted.shares.empty()) return "";
  return "<section aria-labelledby=\"budget\"><h2 id=\"budget\">The error budget</h2>\n<div class=\"plots\">\n" +
         distribution(plotted) + against_torchtune(plotted) + "</div></section>\n";
}

}  // namespace attest::harness
