#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Markup as calls that nest as the elements do. What comes from outside goes through escaped()
/// (harness/report/document/markup.h).
namespace attest::harness {

/// element("td class=word", "x") is <td class=word>x</td>. HTML asks for quotes only around a value with spaces.
std::string element(std::string_view opening, const std::string& content);

/// The same around escaped text.
std::string text_element(std::string_view opening, std::string_view text);

/// Escaped, with leave to break the line after an underscore or a slash.
std::string breakable(std::string_view text);

/// A name above a figure, in a row of such tiles.
std::string tile(std::string_view name, const std::string& figure);

/// "passed" in the colour of that word.
std::string status_word(std::string_view status);

// --- tables ------------------------------------------------------------------------------------------------------

enum class Align { number, word };

struct Column {
  std::string title;
  Align align = Align::number;
  std::string sort_key = "";  ///< the name by which page.js sorts; empty: it does not
};

/// What page.js needs to sort by a column, for a heading's opening.
std::string sort_attributes(std::string_view key, std::size_t column);

/// The head of a table, one row.
std::string table_head(const std::vector<Column>& columns);

std::string row_header(std::string_view text);
std::string word_cell(std::string_view text);
std::string number_cell(std::string_view text);

/// A cell whose background is filled up to `share` of its width, with a number in it.
std::string bar_cell(std::string_view text, double share);

/// A table that scrolls within itself, by keyboard as well; `attributes` are the table's own.
std::string table(std::string_view label, const std::string& head, const std::string& rows,
                  std::string_view attributes = "");

/// What a plot shows, as a table that can be opened below it.
std::string numbers_below(std::string_view label, const std::vector<Column>& columns, const std::string& rows);

}  // namespace attest::harness
