#include "harness/isolation/last_words.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <deque>
#include <sstream>
#include <system_error>

namespace attest::harness {
namespace {

constexpr std::size_t kLongestLine = 200, kMostLines = 3;
constexpr off_t kTail = 4096;

/// The end of what is in the file.
std::string tail_of(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0) return "";
  const off_t length = std::min(status.st_size, kTail);
  std::string tail(static_cast<std::size_t>(length), '\0');
  const ssize_t read = ::pread(file, tail.data(), tail.size(), status.st_size - length);
  tail.resize(static_cast<std::size_t>(std::max<ssize_t>(read, 0)));
  return tail;
}

}  // namespace

LastWords::LastWords() : file_(::memfd_create("attest worker output", MFD_CLOEXEC)) {
  if (file_ < 0) throw std::system_error(errno, std::generic_category(), "memfd_create");
  ::fcntl(file_, F_SETFL, O_APPEND);
}

LastWords::~LastWords() { ::close(file_); }

void LastWords::forget() const { [[maybe_unused]] const int ignored = ::ftruncate(file_, 0); }

std::string LastWords::lines() const {
  std::istringstream text(tail_of(file_));
  std::deque<std::string> last;
  for (std::string line; std::getline(text, line);) {
    std::ranges::replace_if(
        line, [](unsigned char c) { return std::isprint(c) == 0; }, '?');
    if (line.find_first_not_of(" ?") == std::string::npos) continue;
    last.push_back("\"" + line.substr(0, kLongestLine) + "\"");
    if (last.size() > kMostLines) last.pop_front();
  }
  return fmt::format("{}", fmt::join(last, ", "));
}

}  // namespace attest::harness
