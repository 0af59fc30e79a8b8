#include "harness/command/manual.h"

#include <fmt/format.h>

#include <sstream>

#include "harness/command/visible.h"

namespace attest::harness {
namespace {

/// Text as roff shows it letter by letter: hyphens and quotes that can be copied, and no line that is a request.
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\')
      escaped += "\\e";
    else if (c == '-')
      escaped += "\\-";
    else if (c == '\'')
      escaped += "\\(aq";
    else if (c == '^')
      escaped += "\\(ha";
    else if (c == '~')
      escaped += "\\(ti";
    else
      escaped += c;
  }
  return escaped.starts_with('.') ? "\\&" + escaped : escaped;
}

/// A term, and below it what it means.
std::string item(const std::string& term, const std::string& meaning) {
  return fmt::format(".TP\n\\fB{}\\fP\n{}", roff(term), meaning.empty() ? "" : roff(meaning) + "\n");
}

/// "  attest verify --quiet    the last line only" -> an item; the two halves are at least two blanks apart.
std::string indented_line(const std::string& line) {
  const std::size_t begin = line.find_first_not_of(' ');
  const std::size_t gap = line.find("  ", begin);
  const std::size_t meaning = gap == std::string::npos ? gap : line.find_first_not_of(' ', gap);
  return item(line.substr(begin, gap - begin), meaning == std::string::npos ? "" : line.substr(meaning));
}

/// The text below the options: paragraphs, and indented lines under a heading.
std::string footer(const std::string& text) {
  std::string page = ".PP\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty())
      page += ".PP\n";
    else if (line.starts_with("  "))
      page += indented_line(line);
    else
      page += roff(line) + "\n";
  }
  return page;
}

std::string options(const CLI::App& command) {
  const CLI::Formatter formatter;
  std::string page;
  for (const CLI::Option* option : command.get_options()) {
    const bool positional = option->get_positional();
    page += item(formatter.make_option_name(option, positional) + formatter.make_option_opts(option),
                 option->get_description());
  }
  return page;
}

std::string command_section(const CLI::App& command, const std::string& name) {
  std::string page = fmt::format(".SS {}\n{}\n{}{}", roff(name), roff(command.get_description()), options(command),
                                 footer(command.get_footer()));
  for (const CLI::App* sub : visible_commands(command)) page += command_section(*sub, name + " " + sub->get_name());
  return page;
}

}  // namespace

std::string manual_page(const CLI::App& program, const std::string& version) {
  const std::string name = program.get_name();
  std::string page = fmt::format(".TH {} 1 \"\" \"{} {}\" \"User Commands\"\n", name, name, version);
  page += ".nh\n.ad l\n";  // commands must stay whole
  page += fmt::format(".SH NAME\n{} \\- {}\n", name, roff(program.get_description()));
  page += fmt::format(".SH SYNOPSIS\n.B {0}\n.I COMMAND\n.RI [ OPTION \" ...]\"\n", name);
  page += ".SH OPTIONS\n" + options(program) + footer(program.get_footer());
  page += ".SH COMMANDS\n";
  for (const CLI::App* command : visible_commands(program)) {
    page += command_section(*command, name + " " + command->get_name());
  }
  return page;
}

}  // namespace attest::harness
