#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "harness/replay_line.h"
#include "harness/report/markup.h"
#include "harness/report/report_kinds.h"

namespace attest::harness {
namespace {

using Json = nlohmann::ordered_json;

struct Suite {
  std::string cases;
  int tests = 0, failures = 0, skipped = 0;
  double seconds = 0.0;
};

/// The first trouble in the attribute, all of them below it with the commands that show them again.
std::string failure_of(const Json& item) {
  const auto status = item.at("status").get<std::string>();
  const auto troubles = troubles_of(item);
  std::string all;
  for (const auto* trouble : troubles) {
    all += trouble_text(*trouble) + "\n  " + replay_command(trouble->at("replay")) + "\n";
  }
  return fmt::format("<failure type=\"{}\" message=\"{}\">{}</failure>", status,
                     troubles.empty() ? "nothing of an implementation was judged" : escaped(trouble_text(*troubles[0])),
                     escaped(all));
}

void add(Suite& suite, const Json& item, const std::string& group, const std::string& stem) {
  const auto status = item.at("status").get<std::string>();
  const auto seconds = item.at("seconds").get<double>();
  std::string outcome;
  if (status == "skipped") outcome = "<skipped message=\"every implementation has declared a gap\"/>";
  if (status != "skipped" && status != "passed") outcome = failure_of(item);
  suite.cases += fmt::format("    <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\">{}</testcase>\n",
                             escaped(group), escaped(stem), seconds, outcome);
  suite.tests += 1;
  suite.skipped += status == "skipped" ? 1 : 0;
  suite.failures += status != "skipped" && status != "passed" ? 1 : 0;
  suite.seconds += seconds;
}

std::string counts_of(const Suite& suite) {
  return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"0\" skipped=\"{}\" time=\"{:.3f}\"", suite.tests,
                     suite.failures, suite.skipped, suite.seconds);
}

}  // namespace

std::string junit_report(const Json& document) {
  std::map<std::string, Suite> suites;
  for (const auto& item : document.at("cases")) {
    const auto name = item.at("case").get<std::string>();
    const auto slash = name.find('/');
    const auto group = name.substr(0, slash);
    add(suites[group], item, group, name.substr(slash + 1));
  }
  std::string body;
  for (const auto& [group, suite] : suites) {
    body +=
        fmt::format("  <testsuite name=\"{}\" {}>\n{}  </testsuite>\n", escaped(group), counts_of(suite), suite.cases);
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"attest verify\">\n" + body + "</testsuites>\n";
}

}  // namespace attest::harness
