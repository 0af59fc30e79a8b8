#pragma once

#include <string>
#include <string_view>
#include <vector>

/// The parts of a Markdown text that can be wrong: its commands and its links.
namespace attest::property_tests {

/// A fenced block: ```LANGUAGE NOTE, then its lines.
struct Fence {
  std::size_t line = 0;  ///< of its first line, from 1
  std::string language;
  std::string note;
  std::vector<std::string> lines;
};

struct Markdown {
  std::vector<Fence> fences;
  std::vector<std::string> links;              ///< as written, without their #fragment
  std::vector<std::size_t> indented_commands;  ///< lines that look like a command and stand in no fenced block
};

Markdown markdown(std::string_view text);

}  // namespace attest::property_tests
