#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <limits>

#include "fixtures/case_file.h"
#include "fixtures/sha256.h"
#include "property_tests/case_copy.h"
#include "property_tests/hdf5_edit.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The command line of `attest`: every kind of bad input is refused with one sentence and exit code 2, and leaves every
/// file as it was; a wrong number is found and named, with exit code 1.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

constexpr auto kCase = "heads/grouped_query";

CommandOutcome attest_command(std::vector<std::string> arguments,
                              const std::map<std::string, std::string>& environment = {}) {
  arguments.insert(arguments.begin(), ATTEST_COMMAND);
  return run_command(arguments, environment);
}

/// Exit code 2, one line on standard error that holds every one of `mentions`.
void expect_refusal(const CommandOutcome& outcome, const std::vector<std::string>& mentions) {
  EXPECT_EQ(outcome.exit_code, 2) << outcome.out << outcome.err;
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  EXPECT_TRUE(outcome.err.starts_with("attest: ")) << outcome.err;
  for (const auto& mention : mentions) EXPECT_NE(outcome.err.find(mention), std::string::npos) << outcome.err;
}

/// Verifies a damaged copy; it must be refused with these words, and not be touched.
void expect_file_refused(const fs::path& file, std::vector<std::string> mentions) {
  mentions.push_back(file.filename().string());
  const std::string before = sha256_hex_of_file(file);
  expect_refusal(attest_command({"verify", file.string()}), mentions);
  EXPECT_EQ(sha256_hex_of_file(file), before);
}

// --- damaged files -------------------------------------------------------------------------------------------------

TEST(command_line, a_truncated_file_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  fs::resize_file(file, fs::file_size(file) / 2);
  expect_file_refused(file, {"truncated"});
}

TEST(command_line, a_text_file_named_h5_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = scratch.path() / "poem.h5";
  std::ofstream(file) << "attention is all you need\n";
  expect_file_refused(file, {"HDF5"});
}

TEST(command_line, a_wrong_schema_version_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  Hdf5Edit(file).put_attribute("/", "schema_version", std::int64_t{4});
  expect_file_refused(file, {"schema_version", "1 to 3", "4"});
}

TEST(command_line, a_removed_dataset_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  Hdf5Edit(file).remove("/steps/000/expected/q_proj");
  expect_file_refused(file, {"/steps/000/expected", "q_proj"});
}

TEST(command_line, an_added_dataset_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  Hdf5Edit(file).put_dataset("/weights/surplus", H5T_IEEE_F32LE, {2, 2}, "float32");
  expect_file_refused(file, {"/weights", "surplus"});
}

TEST(command_line, a_wrong_shape_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  Hdf5Edit(file).remove("/weights/q_proj.weight");
  Hdf5Edit(file).put_dataset("/weights/q_proj.weight", H5T_IEEE_F32LE, {3, 3}, "float32");
  expect_file_refused(file, {"q_proj.weight", "[3, 3]"});
}

TEST(command_line, a_generated_tensor_that_does_not_match_its_hash_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case("real_layers/qwen2_5_0_5b", scratch.path());
  Hdf5Edit(file).put_attribute("/weights/k_proj.weight", "seed", std::int64_t{1});
  expect_file_refused(file, {"k_proj.weight", "sha256"});
}

TEST(command_line, a_changed_byte_under_the_manifests_hash_is_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  write_manifest(scratch.path());
  EXPECT_EQ(attest_command({"verify", "--fixtures", scratch.path().string(), "--quiet"}).exit_code, 0);
  flip_bit(file, fs::file_size(file) - 100);
  expect_refusal(attest_command({"verify", "--fixtures", scratch.path().string()}), {"grouped_query.h5", "SHA-256"});
  expect_refusal(attest_command({"fixtures", "check", "--fixtures", scratch.path().string()}), {"grouped_query.h5"});
}

// --- wrong arguments -----------------------------------------------------------------------------------------------

TEST(command_line, a_directory_without_cases_is_refused) {
  const ScratchFolder scratch;
  expect_refusal(attest_command({"verify", scratch.path().string()}), {scratch.path().string()});
}

TEST(command_line, a_missing_file_is_refused) {
  expect_refusal(attest_command({"verify", "no/such/case.h5"}), {"no/such/case.h5"});
}

TEST(command_line, an_empty_glob_is_refused) {
  expect_refusal(attest_command({"verify", "nothing/like/*.h5"}), {"nothing/like/*.h5"});
}

TEST(command_line, an_unknown_option_is_refused) {
  expect_refusal(attest_command({"verify", "--frobnicate"}), {"--frobnicate"});
}

TEST(command_line, an_unknown_command_is_refused) { expect_refusal(attest_command({"frobnicate"}), {"frobnicate"}); }

TEST(command_line, no_command_is_refused) {
  expect_refusal(attest_command({}), {"command", "profile, replay, report, fixtures or targets"});
}

TEST(command_line, an_unknown_target_in_the_environment_is_refused_with_the_valid_names) {
  for (const std::vector<std::string>& command : {std::vector<std::string>{"verify", kCase}, {"targets"}}) {
    expect_refusal(attest_command(command, {{"ATTEST_TARGET", "avx1024"}}), {"avx1024", "scalar"});
  }
}

TEST(command_line, an_unknown_target_or_implementation_is_refused_with_the_valid_names) {
  expect_refusal(attest_command({"verify", kCase, "--target", "avx1024"}), {"avx1024", "scalar"});
  expect_refusal(attest_command({"verify", kCase, "--implementation", "mine"}), {"mine", "reference", "optimized"});
  expect_refusal(attest_command({"verify", kCase}, {{"ATTEST_REQUIRE_TARGETS", "avx1024"}}), {"avx1024", "scalar"});
}

TEST(command_line, an_impossible_shard_is_refused) {
  for (const std::string shard : {"0/2", "3/2", "1", "a/b", "1/2x"}) {
    expect_refusal(attest_command({"verify", kCase, "--shard", shard}), {"--shard", shard});
  }
  expect_refusal(attest_command({"verify", kCase, "--shard", "1/2"}), {"--shard"});
}

TEST(command_line, a_report_that_cannot_be_written_is_refused_before_the_work_begins) {
  const ScratchFolder scratch;
  const fs::path report = scratch.path() / "report.json";
  std::ofstream(report) << "old\n";
  fs::permissions(report, fs::perms::owner_read);
  const std::string before = sha256_hex_of_file(report);
  for (const auto& path :
       {report.string(), (scratch.path() / "no/such/report.json").string(), scratch.path().string()}) {
    const CommandOutcome outcome = attest_command({"verify", kCase, "--report", "json=" + path});
    expect_refusal(outcome, {path});
    EXPECT_EQ(outcome.out, "");
  }
  EXPECT_EQ(sha256_hex_of_file(report), before);
  EXPECT_EQ(std::distance(fs::directory_iterator(scratch.path()), {}), 1);
}

TEST(command_line, a_report_of_another_kind_is_refused) {
  for (const std::string report : {"pdf=a.pdf", "xml=a.xml", "junit", "a.json", "json"}) {
    expect_refusal(attest_command({"verify", kCase, "--report", report}), {report});
  }
}

// --- wrong numbers -------------------------------------------------------------------------------------------------

TEST(command_line, a_changed_output_element_fails_and_is_named_with_case_stage_and_element) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  Case item = read_case(file);
  item.steps[0].expected.at(Stage::output).as<float>()[7] += 0.01f;
  write_case(item, file);
  const CommandOutcome outcome = attest_command({"verify", file.string()});
  EXPECT_EQ(outcome.exit_code, 1);
  EXPECT_EQ(outcome.err, "");
  for (const std::string word : {kCase, "torchtune", "output", "[0, 0, 7]"}) {
    EXPECT_NE(outcome.out.find(word), std::string::npos) << word << "\n" << outcome.out;
  }
}

TEST(command_line, a_nan_in_a_weight_is_judged_and_not_refused) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  Case item = read_case(file);
  item.layer.weights.at("v_proj.weight").as<float>()[0] = std::numeric_limits<float>::quiet_NaN();
  write_case(item, file);
  EXPECT_EQ(attest_command({"verify", file.string()}).exit_code, 1);
}

// --- what works ----------------------------------------------------------------------------------------------------

TEST(command_line, a_case_is_selected_by_name_file_glob_or_directory) {
  const std::string directory = std::string(ATTEST_FIXTURES) + "/heads";
  for (const auto& argument : {std::string(kCase), directory + "/grouped_query.h5", std::string("heads/grouped*"),
                               directory + "/grouped*", directory, std::string("heads")}) {
    const CommandOutcome outcome = attest_command({"verify", argument, "--implementation", "reference"});
    EXPECT_EQ(outcome.exit_code, 0) << argument << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find(kCase), std::string::npos) << argument;
  }
}

TEST(command_line, quiet_prints_one_line_and_a_pipe_sees_no_colour) {
  const CommandOutcome outcome = attest_command({"verify", kCase, "--quiet"});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(std::ranges::count(outcome.out, '\n'), 1) << outcome.out;
  EXPECT_EQ(attest_command({"verify", kCase}).out.find('\033'), std::string::npos);
  EXPECT_EQ(outcome.err, "");
}

TEST(command_line, every_command_explains_itself_with_examples) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"--help"}, {"verify", "--help"}, {"fixtures", "--help"}, {"targets", "--help"}}) {
    const CommandOutcome outcome = attest_command(command);
    EXPECT_EQ(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find("Example"), std::string::npos) << outcome.out;
  }
}

TEST(command_line, a_required_target_that_is_missing_fails_instead_of_being_skipped) {
  const std::pair<std::string, std::string> without_avx2{"ATTEST_HIDE_CPU_FEATURES", "AVX2"};
  const auto requiring = [&](const std::string& names) {
    return attest_command({"verify", kCase}, {without_avx2, {"ATTEST_REQUIRE_TARGETS", names}});
  };
  EXPECT_EQ(requiring("scalar").exit_code, 0);
  const CommandOutcome missing = requiring("scalar;avx2");
  EXPECT_EQ(missing.exit_code, 1) << missing.out;
  EXPECT_NE(missing.out.find("required by ATTEST_REQUIRE_TARGETS, but"), std::string::npos) << missing.out;
  EXPECT_NE(missing.out.find("lacks AVX2"), std::string::npos) << missing.out;
}

TEST(command_line, diff_tells_equal_cases_from_different_ones) {
  const ScratchFolder scratch;
  const fs::path file = copy_case(kCase, scratch.path());
  EXPECT_EQ(attest_command({"fixtures", "diff", kCase, file.string()}).exit_code, 0);
  const CommandOutcome other = attest_command({"fixtures", "diff", kCase, "heads/multi_query"});
  EXPECT_EQ(other.exit_code, 1);
  EXPECT_NE(other.out.find("/weights/k_proj.weight"), std::string::npos) << other.out;
}

}  // namespace
}  // namespace attest::property_tests
