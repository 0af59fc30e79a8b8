#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "harness/report/ci_outcomes.h"
#include "harness/report/markup.h"
#include "harness/report/report_kinds.h"

namespace attest::harness {
namespace {

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

std::string counts_of(const Suite& suite) {
  return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.6f}\"", suite.tests,
                     suite.failures, suite.skipped, suite.seconds);
}

}  // namespace

std::string junit_report(const nlohmann::ordered_json& document) {
  std::map<std::string, Suite> suites;
  for (const auto& outcome : ci_outcomes(document)) add(suites[outcome.group], outcome);
  std::string body;
  for (const auto& [group, suite] : suites) {
    body +=
        fmt::format("  <testsuite name=\"{}\" {}>\n{}  </testsuite>\n", escaped(group), counts_of(suite), suite.cases);
  }
  return fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\">\n{}</testsuites>\n",
                     document.at("schema").get<std::string>(), body);
}

}  // namespace attest::harness
