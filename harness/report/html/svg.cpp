#include "harness/report/html/svg.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/report/document/markup.h"
#include "harness/report/html/element.h"

namespace attest::harness {
namespace {

constexpr std::size_t kColours = 9;

/// A tenth of a unit is finer than a pixel.
std::string place(double value) { return fmt::format("{:g}", std::round(10 * value) / 10); }

std::string with_hint(const std::string& opening, std::string_view hint) {
  if (hint.empty()) return "<" + opening + " />";
  return element(opening, text_element("title", hint));
}

}  // namespace

std::string letter_of(std::size_t index) { return std::string(1, static_cast<char>('a' + index % 26)); }
std::string colour_of(std::size_t index) { return fmt::format("k{}", index % kColours); }

std::string svg_line(Point from, Point to, std::string_view css_class) {
  return fmt::format("<line class=\"{}\" x1={} y1={} x2={} y2={} />", css_class, place(from.x), place(from.y),
                     place(to.x), place(to.y));
}

std::string svg_text(Point at, std::string_view text, std::string_view anchor, std::string_view css_class) {
  return text_element(
      fmt::format("text x={} y={} text-anchor={} class=\"{}\"", place(at.x), place(at.y), anchor, css_class), text);
}

std::string svg_circle(Point centre, double radius, std::string_view css_class, std::string_view hint) {
  return with_hint(
      fmt::format("circle class=\"{}\" cx={} cy={} r={}", css_class, place(centre.x), place(centre.y), place(radius)),
      hint);
}

std::string svg_box(const Box& box, std::string_view css_class, std::string_view hint) {
  return with_hint(fmt::format("rect class=\"{}\" x={} y={} width={} height={}", css_class, place(box.x), place(box.y),
                               place(box.width), place(box.height)),
                   hint);
}

double Scale::operator()(double value) const {
  const double share = logarithmic ? std::log(value / from) / std::log(to / from) : (value - from) / (to - from);
  return low + (high - low) * (std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 1.0);
}

Scale decades_around(const std::vector<double>& values, double low, double high) {
  const auto [smallest, largest] = std::ranges::minmax(values);
  const double from = std::floor(std::log10(smallest)), to = std::ceil(std::log10(largest));
  return {std::pow(10, from), std::pow(10, std::max(to, from + 1)), low, high, true};
}

std::vector<double> decades_of(const Scale& scale) {
  std::vector<double> decades;
  for (double value = scale.from; value <= scale.to * 1.001; value *= 10) decades.push_back(value);
  return decades;
}

std::vector<double> round_ticks(double to) {
  constexpr double kAbout = 4;
  const double power = std::pow(10, std::floor(std::log10(to / kAbout)));
  double step = 10 * power;
  for (const double candidate : {5 * power, 2 * power, power}) {
    if (to / candidate <= kAbout + 1) step = candidate;
  }
  std::vector<double> ticks;
  for (double value = 0; value <= to * 1.001; value += step) ticks.push_back(value);
  return ticks;
}

std::string drawing(double height, std::string_view label, const std::string& content) {
  return element(fmt::format("svg viewBox=\"0 0 {} {}\" role=img aria-label=\"{}\"", place(kDrawingWidth),
                             place(height), escaped(label)),
                 content);
}

std::string legend(const std::vector<LegendEntry>& entries) {
  std::string items;
  for (const auto& [css_class, text] : entries) {
    items += element("li", fmt::format("<span class=\"{}\"></span>{}", css_class, escaped(text)));
  }
  return element("ul class=legend", items);
}

std::string figure(const Figure& parts) {
  const std::string note = parts.note.empty() ? "" : text_element("p class=quiet", parts.note);
  return element("figure", text_element("figcaption", parts.caption) + parts.legend + parts.drawing +
                               element("div", note + parts.numbers));
}

}  // namespace attest::harness
