#include "harness/report/github.h"

#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "fixtures/printable.h"

#include "harness/report/ci_outcomes.h"
#include "harness/report/job_summary.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

/// GitHub shows no more than ten annotations of a step.
constexpr int kMostAnnotations = 10;

/// Text in a workflow command, which is one line.
std::string command_text(const std::string& text) {
  std::string line;
  for (const char c : printable_lines(text))
    line += c == '%' ? "%25" : c == '\n' ? "%0A" : c == '\r' ? "%0D" : std::string(1, c);
  return line;
}

/// A property of a workflow command ends at a comma or a colon.
std::string command_property(const std::string& text) {
  std::string line;
  for (const char c : command_text(text)) line += c == ',' ? "%2C" : c == ':' ? "%3A" : std::string(1, c);
  return line;
}

void annotate(const Json& document) {
  int annotations = 0;
  for (const auto& outcome : ci_outcomes(document)) {
    if (!outcome.is_trouble() || ++annotations > kMostAnnotations) continue;
    fmt::print("::error title=attest {}::{}\n", command_property(outcome.group + "/" + outcome.name),
               command_text(outcome.message));
  }
}

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr || *value == '\0' ? nullptr : value;
}

}  // namespace

void tell_github(const Json& document) {
  if (environment("GITHUB_ACTIONS") != nullptr) annotate(document);
  if (const char* file = environment("GITHUB_STEP_SUMMARY")) {
    std::ofstream(file, std::ios::app) << job_summary(document);
  }
}

}  // namespace attest::harness
