#pragma once

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

/// Colour only where standard output is a terminal, and never with NO_COLOR.
TerminalStyle style_of_standard_output();

/// Whether both standard output and standard error are terminals, so that progress may be shown and wiped again.
bool may_show_progress();

}  // namespace attest::harness
