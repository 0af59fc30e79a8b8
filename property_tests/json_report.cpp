#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The JSON report against its description in docs/json_report.md.
namespace attest::property_tests {
namespace {

using Json = nlohmann::json;

Json report_of(const std::filesystem::path& file, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments = {ATTEST_COMMAND, "verify",   "heads",
                                        "--quiet",      "--report", "json=" + file.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  EXPECT_EQ(run_command(arguments).exit_code, 0);
  return valid_report(file);
}

TEST(json_report, holds_the_environment_the_summary_and_every_result) {
  const ScratchFolder scratch;
  const Json report = report_of(scratch / "report.json");
  EXPECT_EQ(report.at("schema"), "attest.report");
  EXPECT_EQ(report.at("schema_version"), 1);
  EXPECT_EQ(report.at("status"), "passed");
  EXPECT_FALSE(report.at("environment").at("targets").empty());
  std::size_t results = report.at("setup").size();
  for (const auto& item : report.at("cases")) {
    for (const auto& result : item.at("results")) {
      EXPECT_LE(result.at("e").get<double>(), 1.0);
      EXPECT_TRUE(result.at("status") == "passed" || !result.at("message").get<std::string>().empty());
      ++results;
    }
  }
  std::size_t counted = 0;
  for (const auto& count : report.at("summary").at("results")) counted += count.get<std::size_t>();
  EXPECT_EQ(counted, results);
}

TEST(json_report, leaves_nothing_else_behind) {
  const ScratchFolder scratch;
  report_of(scratch / "report.json");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.path()), {}), 1);
}

/// Case name -> results, without times and paths.
std::map<std::string, Json> results_of(const Json& report) {
  std::map<std::string, Json> results;
  for (const auto& item : report.at("cases")) results[item.at("case")] = item.at("results");
  return results;
}

TEST(json_report, the_results_of_the_shards_together_are_those_of_the_whole) {
  const ScratchFolder scratch;
  const auto whole = results_of(report_of(scratch / "whole.json"));
  std::map<std::string, Json> together;
  for (const std::string shard : {"1/3", "2/3", "3/3"}) {
    const auto part = results_of(report_of(scratch / "part.json", {"--shard", shard}));
    for (const auto& [name, results] : part) EXPECT_TRUE(together.emplace(name, results).second) << name;
  }
  EXPECT_EQ(together, whole);
}

}  // namespace
}  // namespace attest::property_tests
