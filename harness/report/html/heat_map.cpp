#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "harness/report/html/element.h"
#include "harness/report/html/svg.h"
#include "harness/report/html/verify_page.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

constexpr double kLeft = 44, kTop = 18, kBelow = 30;
constexpr double kTallestCell = 14, kTallest = 260;
constexpr std::int64_t kMostLabels = 9;

/// What a cell's letter says, docs/json_report.md; and what people read.
constexpr std::string_view kLetters = "0123456789x";
constexpr std::array<const char*, kLetters.size()> kWords = {"within the budget",
                                                             "up to 10 budgets",
                                                             "up to 100",
                                                             "up to 10³",
                                                             "up to 10⁴",
                                                             "up to 10⁵",
                                                             "up to 10⁶",
                                                             "up to 10⁷",
                                                             "up to 10⁸",
                                                             "more",
                                                             "another class of number"};

struct Map {
  std::vector<std::string> axes, cells;
  std::vector<std::int64_t> shape;
  std::int64_t rows_a_cell, columns_a_cell;
};

Map map_of(const Json& residual) {
  return {residual.at("axes"), residual.at("cells"), residual.at("shape"), residual.at("rows_a_cell"),
          residual.at("columns_a_cell")};
}

/// The runs of one letter as strokes a cell high, in units of cells.
std::string runs_of(const Map& map, char letter) {
  std::string path;
  for (std::size_t row = 0; row < map.cells.size(); ++row) {
    const std::string& cells = map.cells[row];
    for (std::size_t begin = cells.find(letter); begin != cells.npos;) {
      const std::size_t end = std::min(cells.find_first_not_of(letter, begin), cells.size());
      path += fmt::format("M{} {}.5h{}", begin, row, end - begin);
      begin = cells.find(letter, end);
    }
  }
  return path;
}

std::string cells_of(const Map& map, double width, double height) {
  std::string paths;
  for (const char letter : kLetters) {
    if (const std::string path = runs_of(map, letter); !path.empty()) {
      paths += fmt::format("<path class=\"cell h{}\" d=\"{}\" />\n", letter, path);
    }
  }
  return element(fmt::format("svg x={} y={} width={:.1f} height={:.1f} viewBox=\"0 0 {} {}\" preserveAspectRatio=none",
                             kLeft, kTop, width, height, map.cells[0].size(), map.cells.size()),
                 paths);
}

/// The labels of the rows count the slowest axes, as many as leave room: "2", or "1, 2" of sample and head.
struct RowLabels {
  std::vector<std::size_t> axes;
  std::int64_t count = 1;
};

RowLabels row_labels(const Map& map) {
  RowLabels labels;
  for (std::size_t axis = 0; axis + 1 < map.shape.size(); ++axis) {
    if (map.shape[axis] == 1) continue;
    if (!labels.axes.empty() && labels.count * map.shape[axis] > kMostLabels) break;
    labels.axes.push_back(axis);
    labels.count *= map.shape[axis];
  }
  return labels;
}

std::string text_of(const Map& map, const RowLabels& labels, std::int64_t group) {
  std::string text;
  for (std::size_t i = labels.axes.size(); i-- > 0;) {
    const std::int64_t extent = map.shape[labels.axes[i]];
    text = fmt::format("{}{}{}", group % extent, text.empty() ? "" : ", ", text);
    group /= extent;
  }
  return text;
}

std::string row_axis(const Map& map, double height) {
  const RowLabels labels = row_labels(map);
  std::string names, svg;
  for (const auto axis : labels.axes) names += (names.empty() ? "" : ", ") + map.axes[axis];
  const std::int64_t step = (labels.count + kMostLabels - 1) / kMostLabels;
  const double group_height = height / static_cast<double>(labels.count);
  for (std::int64_t group = 0; !labels.axes.empty() && group < labels.count; group += step) {
    const double top = kTop + group_height * static_cast<double>(group);
    svg += svg_line({kLeft - 4, top}, {kLeft, top}, "axis") +
           svg_text({kLeft - 6, top + std::max(7.0, group_height / 2 + 3.5)}, text_of(map, labels, group), "end");
  }
  return svg + svg_text({0, kTop - 7}, names, "start", "strong");
}

std::string column_axis(const Map& map, double width, double bottom) {
  const auto columns = static_cast<double>(map.shape.back());
  std::string svg;
  for (const double column : round_ticks(columns)) {
    if (column >= columns) continue;
    const double x = kLeft + width * column / columns;
    svg += svg_line({x, bottom}, {x, bottom + 4}, "axis") +
           svg_text({x, bottom + 14}, fmt::format("{:g}", column), column > 0 ? "middle" : "start");
  }
  return svg + svg_text({kLeft + width, bottom + 26}, map.axes.back(), "end", "strong");
}

/// The legend is the table of the numbers: how many cells there are of each level.
std::string levels_of(const Map& map) {
  std::string rows;
  for (std::size_t level = 0; level < kLetters.size(); ++level) {
    std::int64_t count = 0;
    for (const auto& row : map.cells) count += std::ranges::count(row, kLetters[level]);
    if (count == 0) continue;
    rows += element("tr", element("th scope=row",
                                  fmt::format("<span class=\"swatch h{}\"></span>{}", kLetters[level], kWords[level])) +
                              number_cell(fmt::format("{}", count)));
  }
  return table("Cells of the heat map by how far they are off",
               table_head({{"|got − expected|", Align::word}, {"cells"}}), rows);
}

}  // namespace

std::string heat_map(const Json& result) {
  if (!result.contains("residual")) return "";
  const Map map = map_of(result.at("residual"));
  if (map.cells.empty()) return "";  // of rotary tables
  const double width = kDrawingWidth - kLeft - 2;
  const double height = std::min(kTallest, kTallestCell * static_cast<double>(map.cells.size()));
  const bool is_binned = map.rows_a_cell > 1 || map.columns_a_cell > 1;
  const auto stage = result.at("stage").get<std::string>();
  const std::string note =
      is_binned ? fmt::format("Each cell: the largest of {} × {} elements.", map.rows_a_cell, map.columns_a_cell)
                : "Each cell: one element.";
  return figure(
      {fmt::format("How far {} is off, in error budgets", stage), "",
       drawing(kTop + height + kBelow, "Where the stage is off; the words beside it and the table below say it",
               svg_box({kLeft, kTop, width, height}, "frame") + cells_of(map, width, height) + row_axis(map, height) +
                   column_axis(map, width, kTop + height)),
       note, levels_of(map)});
}

}  // namespace attest::harness
