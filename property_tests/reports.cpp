#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "fixtures/case_file.h"
#include "property_tests/case_copy.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The reports that other tools read: JUnit XML, GitHub's annotations and summary; and what an interrupted run leaves.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

bool is_installed(const std::string& program) {
  return run_command({"/bin/sh", "-c", "command -v " + program}).exit_code == 0;
}

/// A recorded case whose output is wrong in one element, beside a right one.
void put_a_wrong_case_beside_a_right_one(const fs::path& folder) {
  copy_case("heads/multi_head", folder);
  const auto file = copy_case("heads/grouped_query", folder);
  auto item = read_case(file);
  item.steps[0].expected.at(Stage::output).as<float>()[7] += 0.01F;
  write_case(item, file);
}

CommandOutcome verify_with_report(const fs::path& cases, const std::string& report,
                                  const std::map<std::string, std::string>& environment = {}) {
  return run_command({ATTEST_COMMAND, "verify", cases.string(), "--implementation", "reference", "--report", report},
                     environment);
}

class reports : public testing::Test {
 protected:
  void SetUp() override { put_a_wrong_case_beside_a_right_one(scratch_.path()); }

  std::string verify_as(const std::string& kind) {
    const auto file = scratch_ / "report";
    EXPECT_EQ(verify_with_report(scratch_.path(), kind + "=" + file.string()).exit_code, 1);
    return text_of(file);
  }

  ScratchFolder scratch_;
};

TEST_F(reports, junit_counts_the_cases_and_tells_a_failure_with_its_replay_command) {
  const auto xml = verify_as("junit");
  for (const std::string part : {"tests=\"2\" failures=\"1\"", "<testcase classname=\"heads\" name=\"multi_head\"",
                                 "<failure type=\"failed\"", "attest replay "}) {
    EXPECT_NE(xml.find(part), std::string::npos) << part << "\n" << xml;
  }
}

TEST_F(reports, junit_is_valid_against_the_common_schema) {
  if (!is_installed("xmllint")) GTEST_SKIP() << "xmllint is not installed";
  verify_as("junit");
  const auto outcome = run_command(
      {"/usr/bin/env", "xmllint", "--noout", "--schema", ATTEST_JUNIT_SCHEMA, (scratch_ / "report").string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
}

TEST_F(reports, a_github_workflow_gets_an_annotation_and_a_summary) {
  const auto summary = scratch_ / "summary.md";
  const auto outcome = verify_with_report(scratch_.path(), "json=" + (scratch_ / "report").string(),
                                          {{"GITHUB_ACTIONS", "true"}, {"GITHUB_STEP_SUMMARY", summary.string()}});
  EXPECT_NE(outcome.out.find("::error title=attest heads/grouped_query::"), std::string::npos) << outcome.out;
  EXPECT_NE(text_of(summary).find("1 cases passed, 1 failed"), std::string::npos) << text_of(summary);
}

TEST(interrupted_run, leaves_a_report_of_what_was_judged_that_says_so) {
  const ScratchFolder scratch;
  const auto report = scratch / "report.json", out = scratch / "out.txt";
  const auto outcome =
      run_command({"/bin/bash", "-c",
                   "\"$0\" verify --report json=\"$1\" >\"$2\" & until grep -q passed \"$2\"; do sleep "
                   "0.02; done; kill -INT $!; wait $!",
                   ATTEST_COMMAND, report.string(), out.string()});
  EXPECT_EQ(outcome.exit_code, 130);
  const auto json = nlohmann::json::parse(text_of(report));
  EXPECT_EQ(json.at("status"), "interrupted");
  EXPECT_GE(json.at("cases").size(), 1U);
  EXPECT_LT(json.at("cases").size(), json.at("selected").get<std::size_t>());
}

}  // namespace
}  // namespace attest::property_tests
