#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// `attest verify --implementation PATH.so`: the example passes, what cannot be loaded is refused in one sentence, and
/// a run survives a kernel that crashes.
namespace attest::property_tests {
namespace {

using Json = nlohmann::json;

CommandOutcome verify_with(const std::string& implementation, std::vector<std::string> more) {
  more.insert(more.begin(), {ATTEST_COMMAND, "verify", "--implementation", implementation});
  return run_command(more);
}

Json report_of(const std::string& implementation, std::vector<std::string> more, int exit_code) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "report.json";
  more.insert(more.end(), {"--report", "json=" + file.string()});
  const CommandOutcome outcome = verify_with(implementation, more);
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
  return valid_report(file);
}

/// How many results of this implementation have this stage, status and message.
std::size_t count(const Json& report, const std::string& stage, const std::string& status, const std::string& message) {
  std::size_t found = 0;
  for (const auto& one : report.at("cases")) {
    found += static_cast<std::size_t>(std::ranges::count_if(one.at("results"), [&](const Json& result) {
      return result.at("stage") == stage && result.at("status") == status && result.at("message") == message &&
             result.at("implementation") != "torchtune";
    }));
  }
  return found;
}

TEST(library_command, the_example_kernel_passes_and_what_it_lacks_is_said) {
  const Json report = report_of(ATTEST_EXAMPLE_KERNEL, {"heads", "masks", "norms", "bfloat16/bool_mask"}, 0);
  EXPECT_GT(count(report, "attention", "passed", ""), 30u);
  EXPECT_GT(count(report, "q_norm", "passed", ""), 3u);
  EXPECT_GT(count(report, "output", "passed", ""), 30u);
  EXPECT_GT(count(report, "forward", "skipped", "the library offers no layer"), 30u);
  EXPECT_EQ(count(report, "attention", "skipped", "the example computes float32 only"), 1u);
}

TEST(library_command, a_run_goes_on_after_a_crash) {
  const std::string crash = std::string(ATTEST_MISBEHAVING_KERNEL) + "#crash";
  // One case has a single token; in the others the kernel is merely wrong.
  const Json report = report_of(crash, {"sizes", "--implementation", "reference"}, 1);
  const auto crashes = count(report, "attention", "failed", "crashed with signal 11 (Segmentation fault)");
  EXPECT_GE(crashes, 1u);
  std::size_t judged = 0;
  for (const auto& one : report.at("cases")) {
    judged += static_cast<std::size_t>(std::ranges::count_if(one.at("results"), [&](const Json& result) {
      return result.at("stage") == "attention" && result.at("implementation") == crash && result.at("elements") > 0;
    }));
  }
  EXPECT_EQ(judged + crashes, report.at("cases").size());
  EXPECT_GT(count(report, "attention", "passed", ""), 10u);
}

TEST(library_command, an_unwritten_row_is_named) {
  const Json report =
      report_of(std::string(ATTEST_MISBEHAVING_KERNEL) + "#leave_a_row_unwritten", {"sizes/h_d_4_s_1_b_1"}, 1);
  EXPECT_EQ(count(report, "attention", "failed", "the element was never written"), 1u);
}

TEST(library_command, a_case_in_which_torchtune_raises_never_reaches_a_library) {
  const Json report = report_of(ATTEST_EXAMPLE_KERNEL, {"errors", "heads"}, 0);
  EXPECT_GT(count(report, "constructor", "skipped", "a library is called with arguments only that torchtune accepts"),
            2u);
}

/// Exit code 2 and one line that names the library and says this.
void expect_refusal(const std::string& implementation, const std::string& mention) {
  const CommandOutcome outcome = verify_with(implementation, {"heads"});
  EXPECT_EQ(outcome.exit_code, 2) << outcome.out << outcome.err;
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("attest: --implementation: ")) << outcome.err;
  EXPECT_NE(outcome.err.find(mention), std::string::npos) << outcome.err;
}

TEST(library_command, what_cannot_be_loaded_is_refused) {
  const ScratchFolder scratch;
  const auto text = scratch.path() / "poem.so";
  std::ofstream(text) << "attention is all you need\n";
  expect_refusal("./no/such.so", "no/such.so");
  expect_refusal(text.string(), "poem.so");
  expect_refusal(ATTEST_OTHER_LIBRARY, "without the symbol attest_get_implementation");
  const std::string kernel = ATTEST_MISBEHAVING_KERNEL;
  expect_refusal(kernel + "#unknown_option", "unknown_option");
  expect_refusal(kernel + "#other_version", "version 2");
  expect_refusal(kernel + "#small_struct", "struct_size");
  expect_refusal(kernel + "#no_function", "no function");
  expect_refusal(kernel + "#crash_at_load", "crashed with signal 6");
}

TEST(library_command, the_time_limit_is_an_option) {
  const Json report =
      report_of(std::string(ATTEST_MISBEHAVING_KERNEL) + "#hang", {"sizes/h_d_4_s_1_b_1", "--time-limit", "2"}, 1);
  EXPECT_EQ(count(report, "attention", "failed", "gave no answer within 2 s"), 1u);
}

}  // namespace
}  // namespace attest::property_tests
