#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/profile_page.h"
#include "harness/report/html/svg.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLeft = 28, kRight = kDrawingWidth - 10, kTop = 24, kBottom = 170, kHeight = 200;

using SecondsByThreads = std::map<int, double>;

std::map<std::string, SecondsByThreads> warm_times(const Json& document) {
  std::map<std::string, SecondsByThreads> times;
  for (const auto& item : document.at("items")) {
    if (item.at("status") == "invalid") continue;
    const auto name = work_name(item) + ", " + item.at("target").get<std::string>();
    times[name][item.at("threads").get<int>()] = item.at("warm").at("median").get<double>();
  }
  std::erase_if(times, [](const auto& work) { return work.second.size() < 2; });
  return times;
}

double speed_up(const SecondsByThreads& times, double seconds) { return times.begin()->second / seconds; }

struct Axes {
  Scale across, upwards;

  Point at(int threads, double speed) const { return {across(threads), upwards(speed)}; }
};

Axes axes_around(const std::map<std::string, SecondsByThreads>& works) {
  int fewest = INT_MAX, most = 1;
  double fastest = 1.0;
  for (const auto& [name, times] : works) {
    fewest = std::min(fewest, times.begin()->first);
    most = std::max(most, times.rbegin()->first);
    for (const auto& [threads, seconds] : times) fastest = std::max(fastest, speed_up(times, seconds));
  }
  fastest = std::max(fastest, static_cast<double>(most) / fewest);
  return {{static_cast<double>(fewest), static_cast<double>(most), kLeft, kRight, false},
          {0.0, fastest, kBottom, kTop, false}};
}

std::string grid(const Axes& axes) {
  std::string svg;
  for (const double tick : round_ticks(axes.upwards.to)) {
    const double y = axes.upwards(tick);
    svg += svg_line({kLeft, y}, {kRight, y}, "grid") + svg_text({kLeft - 5, y + 3.5}, fmt::format("{:g}", tick), "end");
  }
  const double linear = axes.across.to / axes.across.from;
  return svg + svg_line({kLeft, axes.upwards(1)}, {kRight, axes.upwards(linear)}, "limit") +
         svg_text({kRight, kHeight - 4}, "threads", "end", "strong") +
         svg_text({0, kTop - 12}, "times as fast", "start", "strong");
}

std::string curve(const Axes& axes, const SecondsByThreads& times, std::size_t index) {
  std::string svg;
  Point previous = axes.at(times.begin()->first, 1.0);
  for (const auto& [threads, seconds] : times) {
    const Point here = axes.at(threads, speed_up(times, seconds));
    svg += svg_line(previous, here, "curve " + colour_of(index)) + svg_circle(here, 3.5, "mark " + colour_of(index)) +
           svg_text({here.x, kBottom + 13}, fmt::format("{}", threads), "middle");
    previous = here;
  }
  return svg;
}

std::string rows_of(const std::string& work, const SecondsByThreads& times) {
  std::string rows;
  for (const auto& [threads, seconds] : times) {
    const double faster = speed_up(times, seconds);
    rows += element("tr", row_header(work) + number_cell(fmt::format("{}", threads)) +
                              number_cell(milliseconds_text(seconds)) + number_cell(fmt::format("{:.2f}", faster)) +
                              number_cell(percent_text(faster * times.begin()->first / threads)));
  }
  return rows;
}

}  // namespace

std::string thread_scaling(const Json& document) {
  const auto works = warm_times(document);
  if (works.empty()) return "";
  const Axes axes = axes_around(works);
  std::string curves, rows;
  std::vector<LegendEntry> entries;
  for (const auto& [work, times] : works) {
    curves += curve(axes, times, entries.size());
    rows += rows_of(work, times);
    entries.push_back({colour_of(entries.size()), work});
  }
  const std::string numbers =
      table("Scaling", table_head({{"work", Align::word}, {"threads"}, {"ms"}, {"times as fast"}, {"of linear"}}), rows,
            "class=pinned");
  return element("div class=beside",
                 figure({"How much faster with more threads", legend(entries),
                         drawing(kHeight, "Speed over threads; the numbers are in the table", grid(axes) + curves),
                         "Warm medians, beside the fewest threads, without invalid items. Dashed: in proportion to the "
                         "threads.",
                         numbers}));
}

}  // namespace attest::harness
