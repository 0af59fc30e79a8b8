#include <gtest/gtest.h>

#include <cstdlib>

#include "property_tests/file_content.h"
#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// Ctrl-C, pressed at a terminal or sent by a library that is not coming back: exit code 130, and reports of what was
/// done before that say they are not complete.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Words = std::vector<std::string>;

constexpr auto kCtrlC = "\003";
constexpr int kExitInterrupted = 130;
/// For a library that presses Ctrl-C itself, at the moment that matters.
const std::map<std::string, std::string> kMaySignal = {{"ATTEST_SANDBOX", "off"}};

class interrupted_run : public testing::Test {
 protected:
  Words with_reports(Words command) const {
    command.insert(command.begin(), ATTEST_COMMAND);
    command.insert(command.end(), {"--report", "json=" + (scratch_ / "report.json").string(), "--report",
                                   "junit=" + (scratch_ / "report.xml").string()});
    return command;
  }

  /// Presses Ctrl-C as soon as this was printed.
  Json interrupt(const Words& command, const std::string& after) {
    return reported(run_in_terminal(with_reports(command), {{"TERM", "xterm"}, {"CI", ""}, {"NO_COLOR", ""}},
                                    {.columns = 120, .typed = kCtrlC, .after = after}));
  }

  Json reported(const CommandOutcome& outcome) {
    EXPECT_EQ(outcome.exit_code, kExitInterrupted) << outcome.out << outcome.err;
    EXPECT_NE((outcome.out + outcome.err).find("attest: interrupted after "), std::string::npos) << outcome.out;
    EXPECT_EQ(std::distance(fs::directory_iterator(scratch_.path()), {}), 2) << "something else was left behind";
    const Json report = valid_report(scratch_ / "report.json");
    EXPECT_EQ(report.at("status"), "interrupted");
    const std::string xml = content_of(scratch_ / "report.xml");
    EXPECT_NE(xml.find("<failure type=\"interrupted\""), std::string::npos) << xml;
    return report;
  }

  ScratchFolder scratch_;
};

void expect_a_part(const Json& report, std::size_t done, std::size_t at_least) {
  EXPECT_GE(done, at_least);
  EXPECT_LT(done, report.at("selected").get<std::size_t>());
}

TEST_F(interrupted_run, of_verify_keeps_the_cases_that_were_judged) {
  const Json report = interrupt({"verify"}, "passed");
  expect_a_part(report, report.at("cases").size(), 1);
  for (const auto& item : report.at("cases")) EXPECT_EQ(item.at("status"), "passed") << item;
}

std::string misbehaving(const std::string& way) { return std::string(ATTEST_MISBEHAVING_KERNEL) + "#" + way; }

TEST_F(interrupted_run, of_verify_while_a_library_hangs_does_not_blame_the_library) {
  const Words command = {"verify",           "heads/grouped_query",    "sizes/h_d_4_s_1_b_1",
                         "--implementation", misbehaving("interrupt"), "--implementation",
                         "reference"};
  const Json report = reported(run_command(with_reports(command), kMaySignal));
  ASSERT_EQ(report.at("cases").size(), 1U);  // the other one has the single query on which it hangs
  EXPECT_EQ(report.at("cases")[0].at("case"), "heads/grouped_query");
}

TEST_F(interrupted_run, of_verify_while_a_library_is_loaded_has_no_case) {
  const Json report =
      reported(run_command(with_reports({"verify", "heads", "--implementation", misbehaving("interrupt_at_load")}),
                           kMaySignal));
  EXPECT_TRUE(report.at("cases").empty());
}

TEST_F(interrupted_run, of_verify_at_a_terminal_while_a_library_hangs_ends_at_once) {
  const Json report =
      interrupt({"verify", "sizes/h_d_4_s_1_b_1", "--time-limit", "3600", "--implementation", misbehaving("hang")},
                "1/1 h_d_4_s_1_b_1");
  EXPECT_TRUE(report.at("cases").empty());
}

TEST_F(interrupted_run, of_selftest_keeps_the_kernels_that_were_tried) {
  const Json report = interrupt({"selftest"}, "2/");
  expect_a_part(report, report.at("bugs").size() + report.at("variants").size(), 2);
  for (const auto& bug : report.at("bugs")) EXPECT_NE(bug.at("status"), "survived") << bug;
}

TEST_F(interrupted_run, of_selftest_while_it_draws_its_cases_has_no_kernel) {
  const Json report = interrupt({"selftest"}, "drawing the cases");
  EXPECT_TRUE(report.at("bugs").empty());
}

TEST_F(interrupted_run, of_profile_keeps_the_work_that_was_timed) {
  const Json report = interrupt({"profile", "--layer", "tiny", "--work", "prefill:4,decode:8,prefill:8",
                                 "--repetitions", "100000", "--seconds", "1"},
                                "2/3 tiny");
  expect_a_part(report, report.at("items").size(), 1);
}

TEST_F(interrupted_run, of_profile_in_its_first_work_item_has_none) {
  const Json report =
      interrupt({"profile", "--layer", "tiny", "--repetitions", "100000", "--seconds", "3600"}, ", 2/100000 times");
  EXPECT_TRUE(report.at("items").empty());
}

TEST_F(interrupted_run, of_profile_while_python_starts_has_none) {
  if (std::getenv("ATTEST_PYTHON") == nullptr) GTEST_SKIP() << "ATTEST_PYTHON names no Python with torchtune";
  const Json report =
      interrupt({"profile", "--layer", "tiny", "--work", "prefill:4", "--peer", "torchtune"}, "1/1 tiny prefill:4, 0/");
  EXPECT_TRUE(report.at("items").empty());
}

}  // namespace
}  // namespace attest::property_tests
