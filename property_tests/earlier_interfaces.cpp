#include <gtest/gtest.h>

#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// Libraries compiled with the headers as they were before something was appended (first_interface/, second_interface/)
/// are judged as with today's.
namespace attest::property_tests {
namespace {

using Json = nlohmann::json;

/// Every result of one implementation, without its name.
std::vector<Json> results_of(const Json& report, const std::string& implementation) {
  std::vector<Json> results;
  for (const auto& one : report.at("cases")) {
    for (Json result : one.at("results")) {
      if (result.at("implementation") != implementation) continue;
      result.erase("implementation");
      result["case"] = one.at("case");
      results.push_back(std::move(result));
    }
  }
  return results;
}

void expect_same_verdicts(const std::string& old, const std::string& today, std::size_t passed) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "report.json";
  const CommandOutcome outcome =
      // Globs: a bare name may also be a file where the test runs.
      run_command({ATTEST_COMMAND, "verify", "heads/*", "masks/*", "norms/*", "cache/*", "cross/*", "positions/*",
                   "projections/*", "--implementation", old, "--implementation", today, "--report",
                   "json=" + file.string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const Json report = valid_report(file);
  const auto results = results_of(report, old);
  EXPECT_EQ(results, results_of(report, today));
  EXPECT_GT(std::ranges::count_if(results, [](const Json& result) { return result.at("status") == "passed"; }), passed);
  const Json& summary = report.at("summary").at("implementations");
  EXPECT_EQ(summary.at(1).at("scores"), "float32");
  EXPECT_EQ(summary.at(1).at("declares"), summary.at(2).at("declares"));
}

TEST(earlier_interfaces, of_before_scores_of_16_bits) {
  expect_same_verdicts(ATTEST_FIRST_KERNEL, ATTEST_TODAYS_KERNEL, 100);
}

/// Its table lies in memory that holds something else, the padding behind its last member too.
TEST(earlier_interfaces, of_before_declared_arithmetic) {
  expect_same_verdicts(ATTEST_SECOND_KERNEL, ATTEST_TODAYS_KERNEL, 100);
}

TEST(earlier_interfaces, of_before_declared_arithmetic_with_a_whole_layer) {
  expect_same_verdicts(ATTEST_SECOND_LAYER, ATTEST_TODAYS_LAYER, 500);
}

}  // namespace
}  // namespace attest::property_tests
