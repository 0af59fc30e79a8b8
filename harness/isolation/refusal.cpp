#include "harness/isolation/refusal.h"

#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "harness/isolation/worker_channel.h"

namespace attest::harness {
namespace {

constexpr char kMark[] = "refused: ";
constexpr std::size_t kMostCharacters = 400;

}  // namespace

void end_refused(std::initializer_list<const char*> parts) noexcept {
  char text[sizeof kMark + kMostCharacters] = "refused: ";
  std::size_t length = std::strlen(text);
  for (const char* part : parts) {
    for (; *part != '\0' && length < sizeof text; ++part) text[length++] = *part;
  }
  [[maybe_unused]] const ssize_t ignored = ::write(kWorkerChannel, text, length);
  ::_exit(1);
}

std::string refusal_in(const std::string& message) {
  if (!message.starts_with(kMark)) return "";
  std::string sentence = message.substr(std::strlen(kMark), kMostCharacters);
  std::ranges::replace_if(
      sentence, [](char c) { return c < ' ' || c > '~'; }, '?');
  return sentence;
}

}  // namespace attest::harness
