#include "harness/command/manual.h"

#include <fmt/format.h>

#include <sstream>

#include "harness/command/help_format.h"
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
std::string item(const TermAndMeaning& line) {
  return fmt::format(".TP\n\\fB{}\\fP\n{}", roff(line.term), line.meaning.empty() ? "" : roff(line.meaning) + "\n");
}

/// The text below the options: paragraphs, and indented lines under a heading.
std::string footer(const std::string& text) {
  std::string page = ".PP\n";
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.empty())
      page += ".PP\n";
    else if (line.starts_with("  "))
      page += item(halves_of(line));
    else
      page += roff(line) + "\n";
  }
  return page;
}

std::string options(const CLI::App& command) {
  const HelpFormat format;
  std::string page;
  for (const CLI::Option* option : command.get_options()) {
    const bool positional = option->get_positional();
    page += item({format.make_option_name(option, positional) + format.make_option_opts(option),
                  format.make_option_desc(option)});
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
