#include "harness/report/github.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/replay_line.h"
#include "harness/report/markup.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

/// GitHub shows no more than ten annotations of a step.
constexpr int kMostAnnotations = 10;

/// A workflow command is one line, with these three escaped.
std::string in_one_line(const std::string& text) {
  std::string line;
  for (const char c : text) line += c == '%' ? "%25" : c == '\n' ? "%0A" : c == '\r' ? "%0D" : std::string(1, c);
  return line;
}

void annotate(const Json& document) {
  int annotations = 0;
  for (const auto& item : document.at("cases")) {
    const auto troubles = troubles_of(item);
    if (troubles.empty() || ++annotations > kMostAnnotations) continue;
    fmt::print("::error title=attest {}::{}\n", item.at("case").get<std::string>(),
               in_one_line(trouble_text(*troubles[0])));
  }
}

std::string markdown_of(const Json& document) {
  const auto& summary = document.at("summary");
  std::string text =
      fmt::format("### attest verify: {}\n\n{} cases passed, {} failed, {} skipped.\n\n",
                  document.at("status").get<std::string>(), summary.at("cases").at("passed").get<int>(),
                  summary.at("cases").at("failed").get<int>(), summary.at("cases").at("skipped").get<int>());
  text += "| implementation | alone: median e | max | end to end: median e | max |\n|---|--:|--:|--:|--:|\n";
  for (const auto& one : summary.at("implementations")) {
    const auto &alone = one.at("localised"), &whole = one.at("end_to_end");
    text +=
        fmt::format("| {} | {:.2f} | {:.2f} | {:.2f} | {:.2f} |\n", judged_label(one), number_of(alone.at("median_e")),
                    number_of(alone.at("max_e")), number_of(whole.at("median_e")), number_of(whole.at("max_e")));
  }
  for (const auto& item : document.at("cases")) {
    for (const auto* trouble : troubles_of(item)) {
      text += fmt::format("\n* `{}` {}\n  `{}`", item.at("case").get<std::string>(),
                          in_one_line(trouble_text(*trouble)), replay_command(trouble->at("replay")));
    }
  }
  return text + "\n";
}

}  // namespace

void tell_github(const Json& document) {
  if (const char* actions = std::getenv("GITHUB_ACTIONS"); actions != nullptr && *actions != '\0') annotate(document);
  const char* file = std::getenv("GITHUB_STEP_SUMMARY");
  if (file != nullptr && *file != '\0') std::ofstream(file, std::ios::app) << markdown_of(document);
}

}  // namespace attest::harness
