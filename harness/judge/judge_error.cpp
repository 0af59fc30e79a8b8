#include "harness/judge/judge_error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

#include "fixtures/error.h"

namespace attest::harness {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool belongs_to_a_word(char c) {
  return is_digit(c) || c == '_' || c == '.' || std::isalpha(static_cast<unsigned char>(c));
}

/// The first position at or after `at` that holds no digit.
std::size_t after_digits(const std::string& text, std::size_t at) {
  while (at < text.size() && is_digit(text[at])) ++at;
  return at;
}

/// Numbers as written, "-3" and "0.5" among them; digits inside a word, such as "h5", are none.
std::vector<std::string> numbers_in(const std::string& text) {
  std::vector<std::string> numbers;
  for (std::size_t at = 0; at < text.size();) {
    const bool in_word = at > 0 && belongs_to_a_word(text[at - 1]);
    const std::size_t digits = text[at] == '-' ? at + 1 : at;
    std::size_t end = after_digits(text, digits);
    if (in_word || end == digits) {
      ++at;
      continue;
    }
    const bool has_fraction = end + 1 < text.size() && text[end] == '.' && is_digit(text[end + 1]);
    if (has_fraction) end = after_digits(text, end + 1);
    numbers.push_back(text.substr(at, end - at));
    at = end;
  }
  return numbers;
}

std::string disagreement(const RaisedError& recorded, const InputError& ours) {
  if (ours.field != recorded.field) {
    return fmt::format("names '{}', but what is wrong is '{}' ({})", ours.field, recorded.field, ours.what());
  }
  if (recorded.type != "ValueError") return "";
  const auto missing = missing_numbers(recorded.message, ours.what());
  if (missing.empty()) return "";
  return fmt::format("lacks {} of torchtune's message \"{}\" ({})", fmt::join(missing, ", "), recorded.message,
                     ours.what());
}

}  // namespace

std::vector<std::string> missing_numbers(const std::string& message, const std::string& ours) {
  const std::vector<std::string> present = numbers_in(ours);
  std::vector<std::string> missing;
  for (const auto& number : numbers_in(message)) {
    if (std::ranges::find(present, number) == present.end()) missing.push_back(number);
  }
  return missing;
}

Result judge_error(const Question& question, const RaisedError& recorded, const std::function<void()>& act) {
  const bool in_constructor = recorded.where == RaisedError::Where::constructor;
  Result result = question.about(in_constructor ? "constructor" : "forward");
  result.status = Status::failed;
  try {
    act();
    result.message = fmt::format("accepted what torchtune refuses with {}: {}", recorded.type, recorded.message);
  } catch (const NoAnswer& none) {
    return unanswered(question, result.stage, none);
  } catch (const InputError& error) {
    result.message = disagreement(recorded, error);
    result.status = result.message.empty() ? Status::passed : Status::failed;
    if (result.message.empty()) result.message = error.what();
  } catch (const std::exception& error) {
    result.message = fmt::format("raised something other than InputError: {}", error.what());
  }
  result.message = printable(result.message);  // torchtune's words may be many lines
  return result;
}

}  // namespace attest::harness
