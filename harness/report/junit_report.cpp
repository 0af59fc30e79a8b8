#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/report/ci_outcomes.h"
#include "harness/report/document/markup.h"
#include "harness/report/report_kinds.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

struct Suite {
  std::string cases;
  int tests = 0, failures = 0, skipped = 0;
  double seconds = 0.0;
};

std::string body_of(const CiOutcome& outcome) {
  if (outcome.status == "passed") return "";
  if (outcome.status == "skipped") return fmt::format("<skipped message=\"{}\"/>", escaped(outcome.message));
  return fmt::format("<failure type=\"{}\" message=\"{}\">{}</failure>", outcome.status, escaped(outcome.message),
                     escaped(outcome.details));
}

void add(Suite& suite, const CiOutcome& outcome) {
  suite.cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.6f}\">{}</testcase>\n",
                             escaped(outcome.group), escaped(outcome.name), outcome.seconds, body_of(outcome));
  suite.tests += 1;
  suite.skipped += outcome.status == "skipped" ? 1 : 0;
  suite.failures += outcome.is_trouble() ? 1 : 0;
  suite.seconds += outcome.seconds;
}

std::string property(const std::string& name, const std::string& value) {
  return fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", name, escaped(value));
}

/// What each suite says about the run.
std::string properties_of(const Json& document) {
  const auto& environment = document.at("environment");
  std::string command;
  for (const auto& word : document.at("command")) command += (command.empty() ? "" : " ") + word.get<std::string>();
  std::string lines = property("schema", text_of(document, "schema")) + property("command", command);
  for (const char* name : {"attest", "cpu", "operating_system", "compiler"}) {
    lines += property(name, text_of(environment, name));
  }
  return "    <properties>\n" + lines + "    </properties>\n";
}

/// Ant's schema demands a host and a time without a zone; which host it was is nobody's business.
std::string opening_tag(const std::string& group, const Suite& suite, int id) {
  return fmt::format(
      "  <testsuite name=\"{0}\" package=\"attest\" id=\"{1}\" hostname=\"localhost\" timestamp=\"{2:%FT%T}\" "
      "tests=\"{3}\" failures=\"{4}\" errors=\"0\" skipped=\"{5}\" time=\"{6:.3f}\">\n",
      escaped(group), id, fmt::gmtime(std::time(nullptr)), suite.tests, suite.failures, suite.skipped, suite.seconds);
}

}  // namespace

std::string junit_report(const Json& document) {
  std::map<std::string, Suite> suites;
  for (const auto& outcome : ci_outcomes(document)) add(suites[outcome.group], outcome);
  const std::string properties = properties_of(document);
  std::string body;
  int id = 0;
  for (const auto& [group, suite] : suites) {
    body += opening_tag(group, suite, id++) + properties + suite.cases +
            "    <system-out/>\n    <system-err/>\n  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n" + body + "</testsuites>\n";
}

}  // namespace attest::harness
