#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/profile_page.h"
#include "harness/report/html/svg.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kTop = 4, kBar = 16, kStep = 34, kBelow = 30;

struct Interval {
  double low, high;
};

/// One bar: a time in units of ours.
struct Bar {
  std::string name, css_class, time;
  double ratio;
  std::optional<Interval> interval;
};

Bar bar_of(const Json& peer, const std::string& calls) {
  const auto& ratio = peer.at(calls + "_ratio");
  const auto& interval = ratio.at("interval");
  return {peer.at("name").get<std::string>() + ", " + calls, "k0",
          milliseconds_text(peer.at(calls).at("median").get<double>()) + " ms",
          number_of(ratio.at("each").at("median")),
          Interval{number_of(interval.at("low")), number_of(interval.at("high"))}};
}

Bar bar_of_baseline(const Json& item) {
  const auto& baseline = item.at("baseline");
  const bool is_time = baseline.at("scale") == "seconds";
  const double before = number_of(baseline.at("before"));
  return {"before, " + item.at("fraction_of").get<std::string>(), "idle",
          is_time ? milliseconds_text(before) + " ms" : percent_text(before) + " of the limit",
          number_of(baseline.at("speed_up")), std::nullopt};
}

std::vector<Bar> bars_of(const Json& item) {
  std::vector<Bar> bars;
  for (const std::string calls : {"warm", "cold"}) {
    const auto ours = milliseconds_text(item.at(calls).at("median").get<double>()) + " ms";
    if (!item.at("peers").empty()) bars.push_back({"attest, " + calls, "own", ours, 1.0, std::nullopt});
    for (const auto& peer : item.at("peers")) bars.push_back(bar_of(peer, calls));
  }
  if (!item.contains("baseline")) return bars;
  const std::string calls = item.at("fraction_of");
  if (bars.empty()) {
    bars.push_back({"attest, " + calls, "own", milliseconds_text(decisive_seconds(item)) + " ms", 1.0, std::nullopt});
  }
  bars.push_back(bar_of_baseline(item));
  return bars;
}

std::string drawn(const std::vector<Bar>& bars, const Scale& scale, double bottom) {
  std::string svg;
  for (const double tick : round_ticks(scale.to)) {
    svg += svg_line({scale(tick), 0}, {scale(tick), bottom}, "grid") +
           svg_text({scale(tick), bottom + 13}, fmt::format("{:g}", tick), tick > 0 ? "middle" : "start");
  }
  svg += svg_line({scale(1), 0}, {scale(1), bottom}, "limit") +
         svg_text({scale.high, bottom + 26}, "times ours", "end", "strong");
  double y = kTop;
  for (const auto& [name, css_class, time, ratio, interval] : bars) {
    const double middle = y + 12 + kBar / 2;
    svg += svg_text({2, y + 8}, fmt::format("{}: {}{}", name, time,
                                            css_class == "own" ? "" : fmt::format(", {:.2f} times ours", ratio))) +
           svg_box({0, y + 12, std::max(1.0, scale(ratio)), kBar}, css_class);
    if (interval) svg += svg_line({scale(interval->low), middle}, {scale(interval->high), middle}, "whisker");
    y += kStep;
  }
  return svg;
}

std::string rows_of(const std::vector<Bar>& bars) {
  std::string rows;
  for (const auto& [name, css_class, time, ratio, interval] : bars) {
    rows +=
        element("tr", row_header(name) + number_cell(time) + number_cell(fmt::format("{:.2f}", ratio)) +
                          number_cell(interval ? fmt::format("{:.2f} – {:.2f}", interval->low, interval->high) : "–"));
  }
  return rows;
}

std::string note_of(const Json& item) {
  std::string note;
  for (const auto& peer : item.at("peers")) {
    note += fmt::format("{}; its output differs by {:.2g} of its size. ", peer.at("versions").get<std::string>(),
                        number_of(peer.at("output_difference")));
  }
  if (!item.at("peers").empty()) {
    const double confidence = number_of(item.at("peers")[0].at("warm_ratio").at("interval").at("confidence"));
    note += fmt::format("Whisker: {:.0f} % interval of the ratio. ", 100 * confidence);
  }
  if (item.contains("baseline")) {
    const auto& baseline = item.at("baseline");
    note += fmt::format("Beside the baseline: {} (p = {:.2g}).", baseline.at("verdict").get<std::string>(),
                        number_of(baseline.at("p")));
  }
  return note;
}

}  // namespace

std::string comparison_bars(const Json& item) {
  const auto bars = bars_of(item);
  if (bars.empty()) return "";
  double longest = 1.0;
  for (const auto& bar : bars) longest = std::max({longest, bar.ratio, bar.interval ? bar.interval->high : 0.0});
  const double bottom = kTop + kStep * static_cast<double>(bars.size()) - 4;
  return figure({"Beside others", "",
                 drawing(bottom + kBelow, "Times of others in units of ours; the numbers are in the table below",
                         drawn(bars, {0.0, 1.05 * longest, 0.0, kDrawingWidth - 4, false}, bottom)),
                 note_of(item),
                 numbers_below("Times beside others", {{"who", Align::word}, {"median"}, {"times ours"}, {"interval"}},
                               rows_of(bars))});
}

}  // namespace attest::harness
