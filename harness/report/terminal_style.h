#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace attest::harness {

enum class Paint { none, green, red, yellow, dim, bold };

/// Text for a terminal or a pipe.
class TerminalStyle {
 public:
  explicit TerminalStyle(bool colour) : colour_(colour) {}
  std::string paint(const std::string& text, Paint paint) const;

 private:
  bool colour_;
};

/// Colour only where standard output is a terminal that knows it, and never with NO_COLOR.
TerminalStyle style_of_standard_output();

/// Whether this stream is a terminal that understands escape sequences: TERM says "dumb" where it does not.
bool is_capable_terminal(int descriptor);

/// How many characters a line of this terminal holds; nothing if it is no terminal, or one that does not say.
std::optional<std::size_t> columns_of_terminal(int descriptor);

}  // namespace attest::harness
