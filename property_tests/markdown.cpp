#include "property_tests/markdown.h"

#include <regex>
#include <sstream>

namespace attest::property_tests {
namespace {

constexpr std::string_view kFence = "```";

Fence opened(const std::string& info, std::size_t line) {
  const std::size_t blank = std::min(info.find(' '), info.size());
  return {line + 1, info.substr(0, blank), info.substr(std::min(blank + 1, info.size())), {}};
}

void add_links(const std::string& line, std::vector<std::string>& links) {
  static const std::regex kLink(R"(\]\(([^)#]+)[^)]*\))");
  for (std::sregex_iterator found(line.begin(), line.end(), kLink), none; found != none; ++found) {
    links.push_back((*found)[1]);
  }
}

}  // namespace

Markdown markdown(std::string_view text) {
  static const std::regex kCommand("(    |\t)(attest|scripts/|cmake|cc|ctest|git) ?.*");
  Markdown parts;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  bool open = false;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.starts_with(kFence)) {
      open = !open;
      if (open) parts.fences.push_back(opened(line.substr(kFence.size()), number));
    } else if (open) {
      parts.fences.back().lines.push_back(line);
    } else {
      add_links(line, parts.links);
      if (std::regex_match(line, kCommand)) parts.indented_commands.push_back(number);
    }
  }
  return parts;
}

}  // namespace attest::property_tests
