#include "harness/command/help_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <sstream>
#include <vector>

namespace attest::harness {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kTermColumns = 24;  ///< of an option or a subcommand, with the two blanks before it

/// The words in lines of kColumns at most, the first of which has `used` columns already; all but it are indented.
std::string wrapped(const std::string& text, std::size_t used, std::size_t indent) {
  std::istringstream words(text);
  std::string lines;
  std::size_t column = used;
  bool is_first = true;
  for (std::string word; words >> word; is_first = false) {
    if (!is_first && column + 1 + word.size() > kColumns) {
      lines += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!is_first) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines + "\n";
}

/// The term, and what it means in a column of its own, which begins in the next line where the term is too long.
std::string item(const std::string& term, const std::string& meaning, std::size_t columns) {
  const std::string left = "  " + term;
  if (meaning.empty()) return left + "\n";
  const bool fits = left.size() + 2 <= columns;
  const std::string gap = fits ? std::string(columns - left.size(), ' ') : "\n" + std::string(columns, ' ');
  return left + gap + wrapped(meaning, columns, columns);
}

using Lines = std::span<const std::string>;

/// "  attest verify    judge everything": the meanings in one column, as far as there is room for it.
std::string items(Lines lines) {
  constexpr std::size_t kMostColumns = 42;
  std::size_t columns = 0;
  for (const auto& line : lines) {
    const auto [term, meaning] = halves_of(line);
    if (!meaning.empty()) columns = std::max(columns, term.size() + 4);
  }
  std::string text;
  for (const auto& line : lines) {
    const auto [term, meaning] = halves_of(line);
    text += item(term, meaning, std::min(columns, kMostColumns));
  }
  return text;
}

std::string paragraph(Lines lines) {
  std::string text;
  for (const auto& line : lines) text += line + " ";
  return wrapped(text, 0, 0);
}

bool is_item(const std::string& line) { return line.starts_with("  "); }

/// How many of the lines belong together: items, a paragraph, or one empty line.
std::size_t block_size(Lines lines) {
  const auto ends = std::ranges::find_if(lines.subspan(1), [&](const std::string& line) {
    return line.empty() || lines.front().empty() || is_item(line) != is_item(lines.front());
  });
  return static_cast<std::size_t>(ends - lines.begin());
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

}  // namespace

TermAndMeaning halves_of(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  const std::size_t gap = line.find("  ", begin);
  if (gap == std::string::npos) return {line.substr(begin), ""};
  return {line.substr(begin, gap - begin), line.substr(line.find_first_not_of(' ', gap))};
}

std::string HelpFormat::make_option(const CLI::Option* option, bool is_positional) const {
  return item(make_option_name(option, is_positional) + make_option_opts(option), make_option_desc(option),
              kTermColumns);
}

std::string HelpFormat::make_option_name(const CLI::Option* option, bool is_positional) const {
  return is_positional ? option->get_name(true)
                       : CLI::detail::join(CLI::detail::split(option->get_name(false, true), ','), ", ");
}

std::string HelpFormat::make_option_opts(const CLI::Option* option) const {
  if (option->get_type_size() == 0) return "";
  const std::string type = option->get_type_name();
  const std::string value = type.substr(0, type.find(':'));  // what follows is a checker's
  const bool is_repeatable = option->get_expected_max() == CLI::detail::expected_max_vector_size;
  return (value.empty() ? "" : " " + value) + (is_repeatable && option->get_positional() ? " ..." : "");
}

std::string HelpFormat::make_option_desc(const CLI::Option* option) const {
  std::string text = option->get_description();
  std::string value = option->get_default_str();
  if (value.starts_with('[')) value = value.substr(1, value.size() - 2);
  if (!value.empty()) text += " (default: " + value + ")";
  for (const CLI::Option* other : option->get_needs()) text += " (needs " + other->get_name() + ")";
  for (const CLI::Option* other : option->get_excludes()) text += " (not with " + other->get_name() + ")";
  return text;
}

std::string HelpFormat::make_subcommand(const CLI::App* command) const {
  return item(command->get_name(), command->get_description(), kTermColumns / 2);
}

std::string HelpFormat::make_description(const CLI::App* command) const {
  return wrapped(command->get_description(), 0, 0);
}

std::string HelpFormat::make_footer(const CLI::App* command) const {
  const auto lines = lines_of(command->get_footer());
  std::string text;
  for (Lines rest = lines; !rest.empty();) {
    const Lines block = rest.first(block_size(rest));
    text += block.front().empty() ? "\n" : is_item(block.front()) ? items(block) : paragraph(block);
    rest = rest.subspan(block.size());
  }
  return text;
}

}  // namespace attest::harness
