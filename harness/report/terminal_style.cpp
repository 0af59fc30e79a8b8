#include "harness/report/terminal_style.h"

#include <unistd.h>

#include <cstdlib>

namespace attest::harness {

std::string TerminalStyle::paint(const std::string& text, Paint paint) const {
  if (!colour_) return text;
  const char* code = "";
  switch (paint) {
    case Paint::none:
      return text;
    case Paint::green:
      code = "\033[32m";
      break;
    case Paint::red:
      code = "\033[1;31m";
      break;
    case Paint::yellow:
      code = "\033[33m";
      break;
    case Paint::dim:
      code = "\033[2m";
      break;
    case Paint::bold:
      code = "\033[1m";
      break;
  }
  return code + text + "\033[0m";
}

TerminalStyle style_of_standard_output() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = no_color != nullptr && *no_color != '\0';
  return TerminalStyle(!refused && ::isatty(STDOUT_FILENO) == 1);
}

bool may_show_progress() { return ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1; }

}  // namespace attest::harness
