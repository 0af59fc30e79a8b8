#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Drawings inside a page. Colours and text sizes are the style sheet's, by class.
namespace attest::harness {

struct Point {
  double x = 0.0, y = 0.0;
};

struct Box {
  double x = 0.0, y = 0.0, width = 0.0, height = 0.0;
};

/// All drawings are this wide, in their own units: on a phone about as many pixels.
inline constexpr double kDrawingWidth = 360;

/// Letters and colours of a series of things: a, b, ...; k0, k1, ... which repeat.
std::string letter_of(std::size_t index);
std::string colour_of(std::size_t index);

std::string svg_line(Point from, Point to, std::string_view css_class);
/// `anchor`: start, middle or end.
std::string svg_text(Point at, std::string_view text, std::string_view anchor = "start",
                     std::string_view css_class = "");
/// `hint` is shown where a pointer rests on it.
std::string svg_circle(Point centre, double radius, std::string_view css_class, std::string_view hint = "");
std::string svg_box(const Box& box, std::string_view css_class, std::string_view hint = "");

/// From values to places, linear or by the logarithm; what is beyond `from` or `to` is placed on the edge.
struct Scale {
  double from = 0.0, to = 1.0;   ///< values
  double low = 0.0, high = 1.0;  ///< places
  bool logarithmic = false;

  double operator()(double value) const;
};

/// The powers of ten from below the smallest to above the largest of `values`, all positive.
Scale decades_around(const std::vector<double>& values, double low, double high);
/// 1, 10, 100 ... within the scale.
std::vector<double> decades_of(const Scale& scale);
/// About four round values from zero to the end of a linear scale.
std::vector<double> round_ticks(double to);

/// A drawing of this height. `label` is all that a screen reader says of it: the numbers stand in a table beside it.
std::string drawing(double height, std::string_view label, const std::string& content);

struct LegendEntry {
  std::string css_class, text;
};
std::string legend(const std::vector<LegendEntry>& entries);

/// A figure with its caption above and, below the drawing, a quiet note on how to read it and the numbers.
struct Figure {
  std::string caption;
  std::string legend, drawing, note, numbers;
};
std::string figure(const Figure& parts);

}  // namespace attest::harness
