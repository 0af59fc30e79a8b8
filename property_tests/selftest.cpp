#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "harness/bug_zoo/bugs.h"
#include "harness/bug_zoo/design.h"
#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// `attest selftest`: the harness notices every planted bug, and its report is as docs/json_report.md describes it.
namespace attest::property_tests {
namespace {

using Json = nlohmann::json;

struct Selftest {
  CommandOutcome command;
  Json report;
};

Selftest selftest(std::vector<std::string> arguments) {
  const ScratchFolder scratch;
  const auto file = scratch / "selftest.json";
  arguments.insert(arguments.begin(), {ATTEST_COMMAND, "selftest", "--report", "json=" + file.string()});
  const CommandOutcome command = run_command(arguments);
  return {command, valid_report(file)};
}

TEST(selftest, notices_every_planted_bug_and_accepts_every_correct_variant) {
  const auto [command, report] = selftest({});
  EXPECT_EQ(command.exit_code, 0) << command.out << command.err;
  EXPECT_EQ(report.at("status"), "passed");
  EXPECT_EQ(report.at("bugs").size(), bug_zoo::kPlantedBugs.size());
  EXPECT_EQ(report.at("variants").size(), bug_zoo::kCorrectVariants.size());
  for (const auto& bug : report.at("bugs")) EXPECT_NE(bug.at("status"), "survived") << bug.at("bug");
  const auto named =
      std::ranges::count_if(report.at("bugs"), [](const Json& bug) { return bug.at("named").get<bool>(); });
  EXPECT_GE(static_cast<double>(named), 0.8 * static_cast<double>(bug_zoo::kPlantedBugs.size()));
  const auto& causes = report.at("first_causes").at("all");
  const auto count_of = [&](const char* worth) { return causes.at(worth).get<double>(); };
  const double failures = count_of("right") + count_of("effect") + count_of("nothing") + count_of("wrong");
  EXPECT_GE(count_of("right"), 0.85 * failures) << causes;
  EXPECT_LE(count_of("wrong"), 0.005 * failures) << causes << command.out;
  for (const auto& variant : report.at("variants")) {
    EXPECT_EQ(variant.at("status"), "accepted") << variant;
    EXPECT_LE(variant.at("largest_e").get<double>(), 1.0) << variant.at("variant");
  }
}

TEST(selftest, tries_only_the_bugs_that_are_asked_for_and_shows_the_evidence) {
  const auto [command, report] = selftest({"--bug", "stale_v", "--bug", "writes_past_end"});
  EXPECT_EQ(command.exit_code, 0) << command.err;
  ASSERT_EQ(report.at("bugs").size(), 2u);
  EXPECT_TRUE(report.at("variants").empty());
  const auto& stale = report.at("bugs")[0].at("rejections").at("randn");
  EXPECT_EQ(stale.at("check"), "layer");
  EXPECT_GT(stale.at("e").get<double>(), 1.0);
  const auto& stray = report.at("bugs")[1].at("rejections").at("randn");
  EXPECT_EQ(stray.at("check"), "call");
  EXPECT_NE(stray.at("message").get<std::string>().find("wrote past the end"), std::string::npos) << stray;
}

TEST(selftest, refuses_a_bug_that_is_not_in_the_zoo) {
  const auto outcome = run_command({ATTEST_COMMAND, "selftest", "--bug", "no_such_bug"});
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_NE(outcome.err.find("heads_tiled"), std::string::npos) << outcome.err;
}

}  // namespace
}  // namespace attest::property_tests
