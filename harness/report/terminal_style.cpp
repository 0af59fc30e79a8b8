#include "harness/report/terminal_style.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

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
  return TerminalStyle(!refused && is_capable_terminal(STDOUT_FILENO));
}

bool is_capable_terminal(int descriptor) {
  const char* kind = std::getenv("TERM");
  const bool is_dumb = kind != nullptr && std::string_view(kind) == "dumb";
  return !is_dumb && ::isatty(descriptor) == 1;
}

std::optional<std::size_t> columns_of_terminal(int descriptor) {
  winsize size = {};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return std::nullopt;
  return size.ws_col;
}

}  // namespace attest::harness
