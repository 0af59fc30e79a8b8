#include "harness/report/document/markup.h"

#include <fmt/format.h>

#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "fixtures/printable.h"

namespace attest::harness {

using Json = nlohmann::ordered_json;

namespace {

std::string marked_up(std::string_view text) {
  std::string markup;
  for (const char c : text) {
    switch (c) {
      case '&':
        markup += "&amp;";
        break;
      case '<':
        markup += "&lt;";
        break;
      case '>':
        markup += "&gt;";
        break;
      case '"':
        markup += "&quot;";
        break;
      default:
        markup += c;
    }
  }
  return markup;
}

}  // namespace

/// What XML cannot hold is in the name of a file at most: the rest was made printable where it came in.
std::string escaped(std::string_view text) { return marked_up(printable_lines(text)); }

std::string judged_label(const Json& result) {
  const auto target = result.at("target").get<std::string>();
  return result.at("implementation").get<std::string>() + (target.empty() ? "" : "/" + target);
}

std::string short_label(const std::string& label) {
  const std::size_t option = std::min(label.find('#'), label.size());
  const std::filesystem::path file = label.substr(0, option);
  return file.has_extension() ? file.filename().string() + label.substr(option) : label;
}

std::string text_of(const Json& item, const char* member) { return item.at(member).get<std::string>(); }

double number_of(const Json& value) {
  if (value.is_number()) return value.get<double>();
  const auto word = value.get<std::string>();
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  return word == "inf" ? std::numeric_limits<double>::infinity() : -std::numeric_limits<double>::infinity();
}

std::vector<const Json*> troubles_of(const Json& item) {
  std::vector<const Json*> troubles;
  for (const auto& result : item.at("results")) {
    if (result.at("status") != "passed" && result.at("status") != "skipped") troubles.push_back(&result);
  }
  return troubles;
}

std::string trouble_text(const Json& result) {
  std::string text = fmt::format("{}: {} {} of step {}, {}: e = {:.3g}; {}", judged_label(result),
                                 result.at("status").get<std::string>(), result.at("stage").get<std::string>(),
                                 result.at("step").get<std::int64_t>(), result.at("mode").get<std::string>(),
                                 number_of(result.at("e")), result.at("message").get<std::string>());
  if (!result.contains("explanation")) return text;
  for (const auto& finding : result.at("explanation").at("findings"))
    text += "; " + finding.at("sentence").get<std::string>();
  return text;
}

}  // namespace attest::harness
