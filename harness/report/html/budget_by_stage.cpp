#include <fmt/format.h>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/svg.h"
#include "harness/report/html/verify_page.h"

namespace attest::harness {
namespace {

constexpr double kLeft = 62, kRight = kDrawingWidth - 8, kTop = 6;
constexpr double kStrip = 9, kBetweenStages = 9, kBelow = 20;

/// e from 0 to a little above its limit; what is beyond lies on the edge.
const Scale kScale = {0.0, 1.05, kLeft, kRight, false};

double quantile(const std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

/// One stage and implementation: a thin line from the 5th to the 95th percentile, a thick one over the middle half, the
/// median, and the largest.
std::string strip(const std::vector<double>& shares, const std::string& colour, double y) {
  const auto at = [&](double share) { return Point{kScale(quantile(shares, share)), y}; };
  return svg_line(at(0.05), at(0.95), "thin " + colour) + svg_line(at(0.25), at(0.75), "thick " + colour) +
         svg_circle(at(0.5), 3, "median " + colour) + svg_circle(at(1.0), 1.3, colour);
}

std::string row_of(const std::string& stage, const std::string& who, const std::vector<double>& shares) {
  return element("tr", row_header(stage) + word_cell(who) + number_cell(fmt::format("{}", shares.size())) +
                           number_cell(e_text(quantile(shares, 0.05))) + number_cell(e_text(quantile(shares, 0.5))) +
                           number_cell(e_text(quantile(shares, 0.95))) + number_cell(e_text(shares.back())));
}

std::string axis(double bottom) {
  std::string svg;
  for (const double e : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    svg += svg_line({kScale(e), 0}, {kScale(e), bottom}, e == 1.0 ? "limit" : "grid") +
           svg_text({kScale(e), bottom + 13}, fmt::format("{}", e), "middle");
  }
  return svg;
}

}  // namespace

std::string budget_by_stage(const BudgetUse& use) {
  std::string strips, rows;
  double y = kTop;
  for (const auto& [stage, shares] : use.stages) {
    const double first = y;
    for (std::size_t who = 0; who < use.who.size(); ++who) {
      if (shares[who].empty()) continue;
      strips += strip(shares[who], colour_of(who), y);
      rows += row_of(stage, short_label(use.who[who]), shares[who]);
      y += kStrip;
    }
    strips += svg_text({0, (first + y - kStrip) / 2 + 3.5}, stage);
    y += kBetweenStages;
  }
  std::vector<LegendEntry> entries;
  for (std::size_t who = 0; who < use.who.size(); ++who) entries.push_back({colour_of(who), short_label(use.who[who])});
  const double bottom = y - kBetweenStages;
  return figure({"How much of its budget each stage uses, alone", legend(entries),
                 drawing(bottom + kBelow, "e of each stage and implementation; the numbers are in the table below",
                         axis(bottom) + strips),
                 "Thin: 5th to 95th percentile of e. Thick: the middle half. Large dot: median. Small dot: largest. "
                 "Dashed: the limit.",
                 numbers_below("e of each stage",
                               {{"stage", Align::word},
                                {"implementation", Align::word},
                                {"results"},
                                {"5th percentile"},
                                {"median e"},
                                {"95th percentile"},
                                {"largest"}},
                               rows)});
}

}  // namespace attest::harness
