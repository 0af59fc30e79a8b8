#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/profile/event_counters.h"
#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/profile_page.h"
#include "harness/report/html/svg.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kBar = 30, kWidthOfLetter = 11;

/// The stages from left to right, as wide as their times; up to the right edge, what no timer saw.
std::string bar_of(const Json& stages) {
  const double call = stages.at("seconds").get<double>();
  std::string svg = svg_box({0.5, 0.5, kDrawingWidth - 1, kBar - 1}, "frame");
  double x = 0;
  const auto& each = stages.at("each");
  const auto classes = stage_classes(stages);
  for (std::size_t i = 0; i < each.size(); ++i) {
    const double seconds = each[i].at("seconds").get<double>(), width = kDrawingWidth * seconds / call;
    svg += svg_box({x, 0, width, kBar}, "segment " + classes[i],
                   fmt::format("{}: {} ms", each[i].at("title").get<std::string>(), milliseconds_text(seconds)));
    if (width >= kWidthOfLetter) svg += svg_text({x + width / 2, kBar / 2 + 4}, letter_of(i), "middle", "inside");
    x += width;
  }
  return svg;
}

std::string rows_of(const Json& stages, const TimeUnit& unit) {
  std::string rows;
  const auto& each = stages.at("each");
  const auto classes = stage_classes(stages);
  for (std::size_t i = 0; i < each.size(); ++i) {
    const auto& stage = each[i];
    const double share = number_of(stage.at("share"));
    const bool computes = stage.contains("flops");
    rows += element(
        "tr", element("th scope=row", fmt::format("<span class=\"swatch {}\">{}</span>{}", classes[i], letter_of(i),
                                                  escaped(stage.at("title").get<std::string>()))) +
                  number_cell(unit.text(stage.at("seconds").get<double>())) + bar_cell(percent_text(share), share) +
                  number_cell(computes ? giga_text(number_of(stage.at("rate"))) : "–") +
                  number_cell(computes ? percent_text(number_of(stage.at("fraction"))) : "–"));
  }
  const double call = stages.at("seconds").get<double>(), sum = stages.at("sum").get<double>();
  const auto total = [&](const char* name, double seconds) {
    return element("tr class=total", row_header(name) + number_cell(unit.text(seconds)) +
                                         bar_cell(percent_text(seconds / call), seconds / call) + number_cell("") +
                                         number_cell(""));
  };
  return rows + total("sum of the stages", sum) + total("the whole call", call);
}

std::string note_of(const Json& stages) {
  std::string events;
  for (const auto& [event, count] : stages.at("events").items()) {
    events += fmt::format("{}{} {}", events.empty() ? " In it: " : ", ", count.get<std::uint64_t>(), in_words(event));
  }
  return fmt::format(
      "Of the {} call with the median time. Grey: checks, waiting. Timing the parts changed it by {:+.1f} %.{}",
      stages.at("of").get<std::string>(), 100 * number_of(stages.at("timer_overhead")), events);
}

}  // namespace

std::string stage_bars(const Json& item) {
  const auto& stages = item.at("stages");
  const TimeUnit unit = unit_for(stages.at("seconds").get<double>());
  return figure({"Where the time goes", "",
                 drawing(kBar, "The stages of one call, as wide as their times; the numbers are in the table below",
                         bar_of(stages)),
                 note_of(stages),
                 table("Stages of one call",
                       table_head({{"stage", Align::word}, {unit.name}, {"of the call"}, {"GFLOP/s"}, {"of its roof"}}),
                       rows_of(stages, unit))});
}

}  // namespace attest::harness
