#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"
#include "harness/report/html/number_text.h"
#include "harness/report/html/profile_page.h"
#include "harness/report/html/svg.h"

/// Williams, Waterman and Patterson 2009: what the machine lets through for so many FLOPs a byte, and what ran.
namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kHalfLetter = 3.5;
constexpr double kLeft = 44, kRight = kDrawingWidth - 10, kTop = 24, kBottom = 220, kHeight = 252;

struct Ran {
  std::string letter;  ///< empty: the whole call
  std::string name, colour;
  double intensity, rate, roof;  ///< FLOP/byte, FLOP/s, FLOP/s
};

struct Peaks {
  double flops, bytes;

  double roof(double intensity) const { return std::min(flops, intensity * bytes); }
};

std::vector<Ran> everything_that_ran(const Json& item, const Peaks& peaks) {
  std::vector<Ran> ran;
  const auto& stages = item.at("stages").at("each");
  const auto classes = stage_classes(item.at("stages"));
  for (std::size_t i = 0; i < stages.size(); ++i) {
    const auto& stage = stages[i];
    if (!stage.contains("flops")) continue;
    ran.push_back({letter_of(i), stage.at("title").get<std::string>(), classes[i],
                   stage.at("flops").get<double>() / stage.at("bytes").get<double>(), number_of(stage.at("rate")),
                   number_of(stage.at("roof"))});
  }
  const auto& counts = item.at("counts");
  const double intensity = counts.at("flops").get<double>() / counts.at("bytes").get<double>();
  ran.push_back({"", "the whole call", "whole", intensity, counts.at("flops").get<double>() / decisive_seconds(item),
                 peaks.roof(intensity)});
  return ran;
}

struct Axes {
  Scale across, upwards;

  Point at(double intensity, double rate) const { return {across(intensity), upwards(rate)}; }
};

Axes axes_around(const std::vector<Ran>& ran, const Peaks& peaks) {
  // With enough of the slope to be seen.
  std::vector<double> intensities = {peaks.flops / peaks.bytes / 8}, rates = {peaks.flops, peaks.flops / 8};
  for (const auto& one : ran) {
    intensities.push_back(one.intensity);
    rates.push_back(one.rate);
  }
  return {decades_around(intensities, kLeft, kRight), decades_around(rates, kBottom, kTop)};
}

std::string grid(const Axes& axes) {
  std::string svg;
  for (const double decade : decades_of(axes.across)) {
    const double x = axes.across(decade);
    svg +=
        svg_line({x, kTop}, {x, kBottom}, "grid") + svg_text({x, kBottom + 13}, fmt::format("{:g}", decade), "middle");
  }
  for (const double decade : decades_of(axes.upwards)) {
    const double y = axes.upwards(decade);
    svg += svg_line({kLeft, y}, {kRight, y}, "grid") +
           svg_text({kLeft - 5, y + 3.5}, fmt::format("{:g}", 1e-9 * decade), "end");
  }
  return svg + svg_text({kRight, kHeight - 4}, "FLOP/byte", "end", "strong") +
         svg_text({0, kTop - 12}, "GFLOP/s", "start", "strong");
}

std::string roof_lines(const Axes& axes, const Peaks& peaks) {
  const double ridge = peaks.flops / peaks.bytes;
  const double from = std::max(axes.across.from, axes.upwards.from / peaks.bytes);
  return svg_line(axes.at(from, from * peaks.bytes), axes.at(ridge, peaks.flops), "roof") +
         svg_line(axes.at(ridge, peaks.flops), axes.at(axes.across.to, peaks.flops), "roof");
}

/// Letters beside their dots, moved down where an earlier one or the ring of the whole call stands already.
std::string dots(const Axes& axes, const std::vector<Ran>& ran) {
  std::string svg;
  const Point ring = axes.at(ran.back().intensity, ran.back().rate);
  std::vector<Point> taken = {{ring.x, ring.y + kHalfLetter}};
  for (const auto& one : ran) {
    const Point dot = axes.at(one.intensity, one.rate);
    Point label = {dot.x + 7, dot.y + kHalfLetter};
    const auto is_near = [&](const Point& other) {
      return std::fabs(other.x - label.x) < 9 && std::fabs(other.y - label.y) < 10;
    };
    while (std::ranges::any_of(taken, is_near)) label.y += 4;
    taken.push_back(label);
    const std::string hint =
        fmt::format("{}: {} GFLOP/s, {} of its roof", one.name, giga_text(one.rate), percent_text(one.rate / one.roof));
    svg += one.letter.empty()
               ? svg_circle(dot, 5, "whole", hint)
               : svg_circle(dot, 3.5, "mark " + one.colour, hint) + svg_text(label, one.letter, "start", "strong");
  }
  return svg;
}

std::string rows_of(const std::vector<Ran>& ran) {
  std::string rows;
  for (const auto& one : ran) {
    rows += element("tr", row_header(one.letter.empty() ? one.name : one.letter + " " + one.name) +
                              number_cell(fmt::format("{:.3g}", one.intensity)) + number_cell(giga_text(one.rate)) +
                              number_cell(giga_text(one.roof)) + number_cell(percent_text(one.rate / one.roof)));
  }
  return rows;
}

}  // namespace

std::string roofline(const Json& item) {
  const Peaks peaks{item.at("peak_flops").at("median").get<double>(),
                    item.at("stream_bytes").at("median").get<double>()};
  const auto ran = everything_that_ran(item, peaks);
  const Axes axes = axes_around(ran, peaks);
  const std::string note = fmt::format(
      "The roof: {} GFLOP/s, {} GB/s, measured in this run. Letters: the stages. Ring: the "
      "whole call.",
      giga_text(peaks.flops), giga_text(peaks.bytes));
  return figure(
      {"Roofline", "",
       drawing(kHeight, "Roofline: FLOP/s over FLOP/byte; the numbers are in the table below",
               grid(axes) + roof_lines(axes, peaks) + dots(axes, ran)),
       note,
       numbers_below("Roofline", {{"what", Align::word}, {"FLOP/byte"}, {"GFLOP/s"}, {"roof"}, {"of its roof"}},
                     rows_of(ran))});
}

}  // namespace attest::harness
