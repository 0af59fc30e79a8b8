#include "harness/report/html/element.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "harness/report/document/markup.h"

namespace attest::harness {

std::string element(std::string_view opening, const std::string& content) {
  return fmt::format("<{}>{}</{}>\n", opening, content, opening.substr(0, opening.find(' ')));
}

std::string text_element(std::string_view opening, std::string_view text) { return element(opening, escaped(text)); }

std::string breakable(std::string_view text) {
  std::string markup;
  for (const char c : text) markup += escaped({&c, 1}) + (c == '_' || c == '/' ? "<wbr>" : "");
  return markup;
}

std::string tile(std::string_view name, const std::string& figure) {
  return element("div", text_element("dt", name) + element("dd", figure));
}

std::string status_word(std::string_view status) {
  return fmt::format("<span class=\"status {0}\">{0}</span>", escaped(status));
}

std::string sort_attributes(std::string_view key, std::size_t column) {
  return fmt::format(" data-sort=\"{}\" data-column={}", escaped(key), column);
}

std::string table_head(const std::vector<Column>& columns) {
  std::string cells;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& [title, align, sort_key] = columns[i];
    std::string opening = align == Align::word ? "th scope=col class=word" : "th scope=col";
    if (!sort_key.empty()) opening += sort_attributes(sort_key, i);
    cells += text_element(opening, title);
  }
  return element("tr", cells);
}

std::string row_header(std::string_view text) { return element("th scope=row", breakable(text)); }
std::string word_cell(std::string_view text) { return text_element("td class=word", text); }
std::string number_cell(std::string_view text) { return text_element("td", text); }

std::string bar_cell(std::string_view text, double share) {
  const double width = std::isfinite(share) ? 100 * std::clamp(share, 0.0, 1.0) : 100.0;
  return text_element(fmt::format("td class=bar style=--share:{:.0f}%", width), text);
}

std::string table(std::string_view label, const std::string& head, const std::string& rows,
                  std::string_view attributes) {
  return element(fmt::format("div class=scroll tabindex=0 role=region aria-label=\"{}\"", escaped(label)),
                 element(fmt::format("table {}", attributes), element("thead", head) + element("tbody", rows)));
}

std::string numbers_below(std::string_view label, const std::vector<Column>& columns, const std::string& rows) {
  return element("details", element("summary", "The numbers") + table(label, table_head(columns), rows));
}

}  // namespace attest::harness
