#include "harness/report/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "harness/report/terminal_style.h"

namespace attest::harness {
namespace {

constexpr auto kWipe = "\r\033[K";  // back to the line's beginning, and nothing behind it
constexpr std::size_t kBarWidth = 20;
constexpr std::size_t kUsualColumns = 80;

/// "0:07", "12:30", "1:05:00"
std::string clock_text(double seconds) {
  const auto all = static_cast<long>(std::ceil(seconds));
  const std::string hours = all >= 3600 ? fmt::format("{}:{:02}", all / 3600, all / 60 % 60) : fmt::to_string(all / 60);
  return fmt::format("{}:{:02}", hours, all % 60);
}

bool is_watched() {
  const char* ci = std::getenv("CI");
  const bool is_ci_job = ci != nullptr && *ci != '\0';
  return !is_ci_job && is_capable_terminal(STDOUT_FILENO) && is_capable_terminal(STDERR_FILENO);
}

}  // namespace

std::string progress_line(double share, double seconds, const std::string& doing, std::size_t columns) {
  share = std::clamp(share, 0.0, 1.0);
  const auto filled = static_cast<std::size_t>(share * kBarWidth);
  const std::string left = share > 0.0 ? clock_text(seconds * (1.0 - share) / share) + " left" : "";
  const std::string line = fmt::format("[{:<{}}] {:>3.0f} %  {}  {}", std::string(filled, '='), kBarWidth,
                                       std::floor(100 * share), left, doing);
  return line.substr(0, columns);
}

Progress::Progress(double total) : total_(total), watched_(is_watched()), start_(std::chrono::steady_clock::now()) {}

void Progress::show(double done, const std::string& doing) {
  if (!watched_) return;
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  const std::size_t columns = columns_of_terminal(STDERR_FILENO).value_or(kUsualColumns);
  // One column stays free: some terminals break the line after the last one.
  fmt::print(stderr, "{}{}", kWipe, progress_line(done / total_, seconds, doing, columns - 1));
  shown_ = true;
}

void Progress::wipe() {
  if (shown_) fmt::print(stderr, "{}", kWipe);
  shown_ = false;
}

}  // namespace attest::harness
