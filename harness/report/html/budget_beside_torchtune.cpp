#include <fmt/format.h>

#include <algorithm>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/svg.h"
#include "harness/report/html/verify_page.h"

namespace attest::harness {
namespace {

constexpr double kSide = 132, kLeft = 34, kAcross = 184, kDown = 182, kTop = 24;

/// One implementation's square: each case a dot, torchtune's largest e across and its own upwards.
class Square {
 public:
  Square(double x, double y)
      : bottom_(y + kSide), across_{0.0, 1.05, x, x + kSide, false}, upwards_{0.0, 1.05, y + kSide, y, false} {}

  std::string axes() const {
    std::string svg = svg_line(at(0, 0), at(1.05, 1.05), "grid");
    for (const double e : {0.0, 0.5, 1.0}) {
      const char* line = e == 1.0 ? "limit" : "grid";
      svg += svg_line(at(e, 0), at(e, 1.05), line) + svg_line(at(0, e), at(1.05, e), line) +
             svg_text({across_(e), bottom_ + 12}, fmt::format("{}", e), "middle") +
             svg_text({across_(0) - 5, upwards_(e) + 3.5}, fmt::format("{}", e), "end");
    }
    return svg;
  }
  std::string title(const std::string& text) const {
    return svg_text({across_(0), upwards_(1.05) - 9}, text, "start", "strong");
  }
  Point at(double torchtunes, double own) const { return {across_(torchtunes), upwards_(own)}; }

 private:
  double bottom_;
  Scale across_, upwards_;
};

struct Counts {
  int cases = 0, smaller = 0, larger = 0;
};

std::string dots(const BudgetUse& use, std::size_t who, std::size_t torchtune, const Square& square, Counts& counts) {
  std::string svg;
  for (const auto& [name, largest] : use.cases) {
    const double own = largest[who], theirs = largest[torchtune];
    if (own < 0 || theirs < 0) continue;
    svg += svg_circle(square.at(theirs, own), 2.3, "dot " + colour_of(who),
                      fmt::format("{}: {}, torchtune {}", name, e_text(own), e_text(theirs)));
    ++counts.cases;
    counts.smaller += own < theirs ? 1 : 0;
    counts.larger += own > theirs ? 1 : 0;
  }
  return svg;
}

}  // namespace

std::string budget_beside_torchtune(const BudgetUse& use) {
  const auto torchtune = static_cast<std::size_t>(std::ranges::find(use.who, "torchtune") - use.who.begin());
  if (torchtune == use.who.size()) return "";
  std::string squares, rows;
  int drawn = 0;
  for (std::size_t who = 0; who < use.who.size(); ++who) {
    if (who == torchtune) continue;
    const Square square(kLeft + kAcross * (drawn % 2), kTop + kDown * (drawn / 2));
    Counts counts;
    const std::string points = dots(use, who, torchtune, square, counts);
    if (counts.cases == 0) continue;
    ++drawn;
    squares += square.title(short_label(use.who[who])) + square.axes() + points;
    rows += element("tr", row_header(short_label(use.who[who])) + number_cell(fmt::format("{}", counts.cases)) +
                              number_cell(fmt::format("{}", counts.smaller)) +
                              number_cell(fmt::format("{}", counts.larger)));
  }
  if (drawn == 0) return "";
  return figure(
      {"Ours against torchtune’s own error", "",
       drawing(kTop + kDown * ((drawn + 1) / 2) - 16,
               "Largest e of each case, torchtune’s across and ours upwards; counts are in the table below", squares),
       "Each dot a case: its largest e alone, torchtune’s across, ours upwards. Below the diagonal ours is the "
       "nearer to the exact answer; a dot on the edge lies beyond it.",
       numbers_below("Cases by whose e is smaller",
                     {{"implementation", Align::word}, {"cases"}, {"smaller e"}, {"larger e"}}, rows)});
}

}  // namespace attest::harness
