#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <set>

#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// `attest profile`: what it prints, reports and refuses. No test looks at how long anything took.
namespace attest::property_tests {
namespace {

CommandOutcome profile(std::vector<std::string> arguments, const std::map<std::string, std::string>& environment = {}) {
  arguments.insert(arguments.begin(), {ATTEST_COMMAND, "profile"});
  return run_command(arguments, environment);
}

void expect_refusal(const CommandOutcome& outcome, const std::string& mention) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.out << outcome.err;
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_NE(outcome.err.find(mention), std::string::npos) << outcome.err;
}

TEST(profile_command, a_small_profile_verifies_its_output_and_its_stages_fit_into_the_call) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "profile.json";
  const auto outcome =
      profile({"--layer", "tiny", "--work", "prefill:16,cached:8/64,decode:64,packed:3x5,cross:5/9,attention:33",
               "--target", "all", "--repetitions", "3", "--report", "json=" + file.string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_EQ(outcome.err, "");
  const auto report = valid_report(file);
  EXPECT_EQ(report.at("schema"), "attest.profile");
  EXPECT_EQ(report.at("status"), "passed");
  EXPECT_EQ(report.at("items").size() % 6, 0U);
  for (const auto& item : report.at("items")) {
    EXPECT_EQ(item.at("verified").at("status"), "passed") << item;
    EXPECT_LE(item.at("verified").at("e"), 1.0) << item;
    EXPECT_EQ(item.at("warm").at("count"), 3) << item;
    const auto& stages = item.at("stages");
    EXPECT_GT(stages.at("sum"), 0.0) << item;
    EXPECT_LE(stages.at("sum"), stages.at("seconds")) << item;
  }
}

TEST(profile_command, a_sweep_times_every_constant_of_the_blocking_and_changes_no_bit_it_must_not) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "sweep.json";
  const auto outcome = profile({"--sweep-blocking", "--layer", "tiny", "--work", "prefill:300,decode:64,attention:70",
                                "--repetitions", "1", "--threads", "2", "--report", "json=" + file.string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const auto report = valid_report(file);
  EXPECT_EQ(report.at("status"), "passed");
  ASSERT_EQ(report.at("blocking_sweeps").size(), 3U);
  for (const auto& sweep : report.at("blocking_sweeps")) {
    for (const auto& constant : sweep.at("constants")) {
      const auto name = constant.at("name").get<std::string>();
      EXPECT_NE(outcome.out.find("\n  " + name + " "), std::string::npos) << outcome.out;
      EXPECT_GE(constant.at("candidates").size(), 3U) << constant;
      const auto is_default = [&](const auto& candidate) { return candidate.at("value") == constant.at("default"); };
      EXPECT_EQ(std::ranges::count_if(constant.at("candidates"), is_default), 1) << constant;
      for (const auto& candidate : constant.at("candidates")) {
        EXPECT_TRUE(constant.at("cuts_sums") || candidate.at("same_bits")) << constant;
      }
    }
  }
  expect_refusal(profile({"--sweep-blocking", "--peer", "torchtune"}), "--sweep-blocking");
}

TEST(profile_command, a_recorded_layer_is_timed_with_its_own_weights_and_norms) {
  const ScratchFolder scratch;
  const auto file = scratch.path() / "profile.json";
  const auto outcome = profile({"--layer", "norms/after_rotary", "--work", "prefill:16,decode:64,cross:5/9",
                                "--repetitions", "1", "--report", "json=" + file.string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const auto report = valid_report(file);
  for (const auto& item : report.at("items")) {
    std::set<std::string> judged;
    for (const auto& stage : item.at("verified").at("stages")) judged.insert(stage.at("stage"));
    EXPECT_TRUE(judged.contains("q_norm") && judged.contains("k_norm")) << item;
    EXPECT_EQ(judged.contains("q_rope"), item.at("work") != "cross:5/9") << item;
  }
  expect_refusal(profile({"--layer", "bfloat16/norms"}), "bfloat16");
  expect_refusal(profile({"--layer", "norms/*"}), "cases: norms/*");
}

TEST(profile_command, a_profile_compares_with_an_earlier_one_of_the_same_machine_only) {
  const ScratchFolder scratch;
  const auto before = scratch.path() / "before.json", elsewhere = scratch.path() / "elsewhere.json";
  const std::vector<std::string> work = {"--layer", "tiny", "--work", "prefill:16", "--threads", "1,2"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), work.begin(), work.end());
    return profile(more);
  };
  ASSERT_EQ(with({"--report", "json=" + before.string()}).exit_code, 0);
  auto report = valid_report(before);
  report.at("environment").at("cpu") = "another one";
  for (auto& item : report.at("items")) item.at("samples").at("fraction") = std::vector<double>(9, 1e-9);
  std::ofstream(elsewhere) << report;

  const auto same = with({"--baseline", before.string(), "--report", "json=" + (scratch.path() / "now.json").string()});
  ASSERT_EQ(same.exit_code, 0) << same.err;
  const auto now = valid_report(scratch.path() / "now.json");
  ASSERT_EQ(now.at("items").size(), 2U);
  for (const auto& item : now.at("items")) EXPECT_EQ(item.at("baseline").at("scale"), "seconds");
  // An item whose peak moved away under it, on a busy machine, is nobody's 100 %.
  const bool is_valid = same.out.find("\ninvalid ") == std::string::npos;
  EXPECT_EQ(same.out.find("% of linear") != std::string::npos, is_valid) << same.out;

  expect_refusal(with({"--baseline", elsewhere.string()}), "another one");
  expect_refusal(with({"--baseline", (scratch.path() / "none.json").string()}), "cannot be read");
  const auto across = with({"--baseline", elsewhere.string(), "--across-machines"});
  EXPECT_NE(across.out.find("baseline  faster"), std::string::npos) << across.out;
}

TEST(profile_command, what_is_not_known_is_refused_with_one_sentence) {
  expect_refusal(profile({"--layer", "gpt5"}), "llama3_2_1b");
  expect_refusal(profile({"--work", "train:5"}), "prefill:TOKENS");
  expect_refusal(profile({"--target", "sse9"}), "scalar");
  expect_refusal(profile({"--peer", "jax"}), "torchtune");
  expect_refusal(profile({"--report", "pdf=x"}), "json=FILE");
}

TEST(profile_command, a_peer_without_its_python_is_refused_with_the_reason) {
  expect_refusal(profile({"--layer", "tiny", "--peer", "torchtune"}, {{"ATTEST_PYTHON", "/nowhere/python"}}),
                 "/nowhere/python");
  expect_refusal(profile({"--layer", "tiny", "--peer", "torchtune"}, {{"ATTEST_PYTHON", "/bin/true"}}), "ended early");
}

TEST(profile_command, each_peer_computes_the_same_output_on_every_kind_of_work) {
  if (std::getenv("ATTEST_PYTHON") == nullptr) GTEST_SKIP() << "ATTEST_PYTHON names no Python with torchtune";
  const ScratchFolder scratch;
  const auto file = scratch.path() / "profile.json";
  const auto outcome = profile(
      {"--layer", "tiny", "--work", "prefill:16,cached:8/64,decode:64,packed:3x5,cross:5/9,attention:33",
       "--repetitions", "1", "--peer", "torchtune", "--peer", "torch-best", "--report", "json=" + file.string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  const auto report = valid_report(file);
  for (const auto& item : report.at("items")) {
    ASSERT_EQ(item.at("peers").size(), 2U) << item;
    for (const auto& peer : item.at("peers")) EXPECT_LT(peer.at("output_difference"), 1e-5) << item;
  }
}

}  // namespace
}  // namespace attest::property_tests
