#include <gtest/gtest.h>

#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// Scores that a kernel stores in 16 bits: accepted where it says so, rejected where it does not, and no cover for
/// anything else.
namespace attest::property_tests {
namespace {

using Json = nlohmann::json;

const std::vector<std::string> kCases = {"heads", "masks", "sizes"};

CommandOutcome verify(const std::string& implementation, std::vector<std::string> more = kCases) {
  more.insert(more.begin(), {ATTEST_COMMAND, "verify", "--implementation", implementation});
  return run_command(more);
}

std::string kernel(const std::string& option) { return std::string(ATTEST_SCORES_OF_16_BITS) + "#" + option; }

TEST(declared_scores, are_accepted_where_they_are_declared) {
  for (const std::string dtype : {"bfloat16", "float16"}) {
    const CommandOutcome outcome = verify(kernel(dtype));
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
    EXPECT_NE(outcome.out.find("declares scores of " + dtype + " and is judged by their budget"), std::string::npos);
  }
}

TEST(declared_scores, are_accepted_in_draws) {
  const CommandOutcome outcome = verify(kernel("bfloat16"), {"--draws", "150", "--seed", "7"});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
}

TEST(declared_scores, are_rejected_where_they_are_not_declared) {
  EXPECT_EQ(verify(kernel("bfloat16 silent")).exit_code, 1);
  EXPECT_EQ(verify(kernel("float16 silent")).exit_code, 1);
}

TEST(declared_scores, hide_no_other_fault) {
  EXPECT_EQ(verify(kernel("bfloat16 tiled")).exit_code, 1);
  EXPECT_EQ(verify(kernel("bfloat16 dropped")).exit_code, 1);
  EXPECT_EQ(verify(kernel("float16 tiled")).exit_code, 1);
}

TEST(declared_scores, of_one_format_do_not_excuse_a_coarser_one) {
  EXPECT_EQ(verify(kernel("declares float16, stores bfloat16")).exit_code, 1);
}

TEST(declared_scores, stand_in_the_report) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "report.json";
  verify(kernel("float16"), {"heads/grouped_query", "--report", "json=" + file.string()});
  const Json library = valid_report(file).at("summary").at("implementations").at(1);
  EXPECT_EQ(library.at("scores"), "float16");
  EXPECT_TRUE(library.at("isolation").contains("seccomp"));
}

}  // namespace
}  // namespace attest::property_tests
