#include "harness/isolation/last_words.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <system_error>

namespace attest::harness {
namespace {

constexpr std::size_t kLongestLine = 200;
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

std::string LastWords::line() const {
  const auto is_print = [](unsigned char c) { return std::isgraph(c) != 0; };
  std::string text = tail_of(file_);
  const auto last = std::find_if(text.rbegin(), text.rend(), is_print);
  text.erase(last.base(), text.end());
  text.erase(0, text.find_last_of("\n\r") + 1);  // npos + 1 is 0
  std::ranges::replace_if(
      text, [](unsigned char c) { return std::isprint(c) == 0; }, '?');
  return text.substr(0, kLongestLine);
}

}  // namespace attest::harness
