#include "harness/judge_error.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <regex>

#include "fixtures/error.h"

namespace attest::harness {
namespace {

std::vector<std::string> numbers_in(const std::string& text) {
  static const std::regex kNumber(R"((^|[^\w.])(-?\d+(\.\d+)?))");
  std::vector<std::string> numbers;
  for (std::sregex_iterator match(text.begin(), text.end(), kNumber), end; match != end; ++match) {
    numbers.push_back((*match)[2].str());
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
  } catch (const InputError& error) {
    result.message = disagreement(recorded, error);
    result.status = result.message.empty() ? Status::passed : Status::failed;
    if (result.message.empty()) result.message = error.what();
  } catch (const std::exception& error) {
    result.message = fmt::format("raised something other than InputError: {}", error.what());
  }
  return result;
}

}  // namespace attest::harness
