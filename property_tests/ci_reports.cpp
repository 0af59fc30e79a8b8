#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "fixtures/case_file.h"
#include "harness/report/ci_outcomes.h"
#include "harness/report/job_summary.h"
#include "harness/report/report_kinds.h"
#include "property_tests/case_copy.h"
#include "property_tests/file_content.h"
#include "property_tests/needed_program.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// What a service for continuous integration is told: JUnit XML, GitHub's annotations, the summary of a job.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

/// A command, and what it makes of itself for GitHub and in files.
struct Told {
  CommandOutcome command;
  std::string junit;
  std::string summary;
  Json document;
};

Told told_by(Words command) {
  const ScratchFolder scratch;
  command.insert(command.begin(), ATTEST_COMMAND);
  command.insert(command.end(), {"--report", "junit=" + (scratch / "junit").string(), "--report",
                                 "json=" + (scratch / "json").string()});
  const auto summary = scratch / "summary.md";
  const auto outcome = run_command(command, {{"GITHUB_ACTIONS", "true"}, {"GITHUB_STEP_SUMMARY", summary.string()}});
  return {outcome, content_of(scratch / "junit"), content_of(summary), Json::parse(content_of(scratch / "json"))};
}

/// A recorded case whose output is wrong in one element, beside a right one.
Told verify_a_wrong_case_beside_a_right_one() {
  const ScratchFolder cases;
  copy_case("heads/multi_head", cases.path());
  const auto file = copy_case("heads/grouped_query", cases.path());
  auto item = read_case(file);
  item.steps[0].expected.at(Stage::output).as<float>()[7] += 0.01F;
  write_case(item, file);
  return told_by({"verify", cases.path().string(), "--implementation", "reference"});
}

void expect_parts(const std::string& text, const Words& parts) {
  for (const auto& part : parts) EXPECT_NE(text.find(part), std::string::npos) << part << "\nis not in\n" << text;
}

// --- verify ----------------------------------------------------------------------------------------------------------

TEST(ci_reports, of_verify_tell_a_failure_with_its_replay_command) {
  const Told told = verify_a_wrong_case_beside_a_right_one();
  EXPECT_EQ(told.command.exit_code, 1);
  expect_parts(told.junit, {" tests=\"2\" failures=\"1\"", "<testcase classname=\"heads\" name=\"multi_head\"",
                            "<failure type=\"failed\"", "attest replay "});
  expect_parts(told.command.out, {"::error title=attest heads/grouped_query::"});
  expect_parts(told.summary, {"### attest verify: failed", "1 cases passed, 1 failed", "\n**heads/grouped_query** ",
                              "| reference |", "attest replay "});
}

TEST(ci_reports, of_verify_tell_a_target_that_is_required_and_missing) {
  Json document = verify_a_wrong_case_beside_a_right_one().document;
  document["cases"].erase(0);
  document["setup"] = {{{"implementation", "optimized"},
                        {"target", "avx512"},
                        {"status", "failed"},
                        {"message", "required by ATTEST_REQUIRE_TARGETS, but no such CPU"}}};
  expect_parts(harness::junit_report(document), {"classname=\"setup\" name=\"optimized/avx512\"", "no such CPU"});
  expect_parts(harness::job_summary(document), {"**setup/optimized/avx512** required"});
}

TEST(ci_reports, of_verify_tell_what_failed_among_drawn_questions) {
  Json document = verify_a_wrong_case_beside_a_right_one().document;
  document["draws"] = {{"implementations",
                        {{{"implementation", "./k.so"}, {"target", ""}, {"passed", 3}},
                         {{"implementation", "x"}, {"target", ""}, {"passed", 0}}}},
                       {"failures",
                        {{{"implementation", "./k.so"},
                          {"target", ""},
                          {"status", "unstable"},
                          {"message", "sometimes"},
                          {"replay", "law=truth s_x=3"}}}}};
  document["coverage"] = {{"draws", 1},
                          {"selected", 1},
                          {"implementations", Json::array()},
                          {"failures", Json::array()},
                          {"seconds", 1},
                          {"holes", {{{"combination", "mask none, keys 17"}, {"reason", ""}}}}};
  expect_parts(harness::junit_report(document),
               {"classname=\"draws\" name=\"./k.so\"", "<failure type=\"unstable\" message=\"sometimes\"",
                "attest replay 'law=truth s_x=3'", "<skipped message=\"every draw was skipped\"",
                "1 combinations are not covered", "mask none, keys 17"});
}

// --- profile ---------------------------------------------------------------------------------------------------------

Told profile_once() {
  static const Told told =
      told_by({"profile", "--layer", "tiny", "--work", "prefill:4,decode:8", "--repetitions", "1"});
  return told;
}

TEST(ci_reports, of_profile_have_a_row_and_a_test_for_each_item) {
  const Told told = profile_once();
  EXPECT_EQ(told.command.exit_code, 0) << told.command.err;
  expect_parts(told.junit,
               {"<testsuite name=\"tiny\" package=\"attest\"", " tests=\"2\"", "name=\"prefill:4, batch 1, "});
  expect_parts(told.summary, {"### attest profile: passed", "2 of 2 work items timed", "| tiny prefill:4, batch 1 |",
                              "| tiny decode:8, batch 1 |"});
  EXPECT_EQ(told.command.out.find("::error"), std::string::npos);
}

TEST(ci_reports, of_profile_tell_a_wrong_output_and_no_figure_for_an_invalid_one) {
  Json document = profile_once().document;
  document["status"] = "failed";
  document["items"][0]["status"] = "failed";
  auto& stage = document["items"][0]["verified"]["stages"][0];
  stage["status"] = "failed";
  stage["message"] = "7 of 9 elements outside";
  document["items"][1]["status"] = "invalid";
  expect_parts(harness::junit_report(document),
               {"failures=\"1\"", "skipped=\"1\"", "7 of 9 elements outside", "no figure: faster than the peak"});
  expect_parts(harness::job_summary(document), {"### attest profile: failed", "| none |", "| invalid |"});
}

TEST(ci_reports, of_profile_show_peers_and_baseline_beside_the_work) {
  Json document = profile_once().document;
  auto& item = document["items"][0];
  const std::string ratio = item["fraction_of"].get<std::string>() + "_ratio";
  item["peers"] = {
      {{"name", "torchtune"}, {ratio, {{"each", {{"median", 1.5}}}, {"interval", {{"low", 1.4}, {"high", 1.6}}}}}}};
  item["baseline"] = {{"verdict", "faster"}, {"speed_up", 1.25}};
  expect_parts(harness::job_summary(document),
               {"| torchtune takes 1.50 times as long (1.40 to 1.60); faster (baseline; 1.25 times as fast) |"});
}

// --- selftest --------------------------------------------------------------------------------------------------------

Told selftest_once() {
  static const Told told = told_by({"selftest", "--bug", "heads_tiled", "--bug", "stale_v"});
  return told;
}

TEST(ci_reports, of_selftest_have_a_test_for_each_bug_and_a_row_for_each_area) {
  const Told told = selftest_once();
  EXPECT_EQ(told.command.exit_code, 0) << told.command.err;
  expect_parts(told.junit, {"<testcase classname=\"attention\" name=\"heads_tiled\"", "<testsuite name=\"cache\" "});
  expect_parts(told.summary, {"### attest selftest: passed", "| attention | 1 | 1 | 1 | 0 | 0 |"});
}

TEST(ci_reports, of_selftest_tell_a_bug_that_survived_and_a_variant_that_was_rejected) {
  Json document = selftest_once().document;
  document["status"] = "failed";
  Json rejections = document["bugs"][0]["rejections"];
  document["bugs"][0]["status"] = "survived";
  document["variants"] = {{{"variant", "kahan"},
                           {"description", "sums with Kahan's correction"},
                           {"status", "rejected"},
                           {"broken_law", "decoding"},
                           {"rejections", rejections}}};
  expect_parts(harness::junit_report(document),
               {"<failure type=\"survived\"", "nothing noticed it: ", "classname=\"correct_variants\" name=\"kahan\"",
                "breaks the law decoding", rejections["randn"]["case"].get<std::string>()});
  expect_parts(harness::job_summary(document), {"0 of 1 correct variants accepted", "**correct_variants/kahan**"});
}

// --- all -------------------------------------------------------------------------------------------------------------

TEST(ci_reports, a_run_that_did_not_pass_has_trouble_even_where_all_its_parts_are_fine) {
  Json document = selftest_once().document;
  for (const std::string status : {"failed", "interrupted"}) {
    document["status"] = status;
    const auto outcomes = harness::ci_outcomes(document);
    EXPECT_EQ(std::ranges::count_if(outcomes, &harness::CiOutcome::is_trouble), 1) << status;
    EXPECT_EQ(outcomes.back().status, status);
  }
}

TEST(ci_reports, an_annotation_is_one_line_whatever_a_case_is_called) {
  const ScratchFolder cases;
  const auto file = copy_case("heads/grouped_query", cases.path());
  auto item = read_case(file);
  item.name = "heads/50%: a,b";
  item.steps[0].expected.at(Stage::output).as<float>()[7] += 0.01F;
  write_case(item, cases / "odd.h5");
  const Told told = told_by({"verify", (cases / "odd.h5").string(), "--implementation", "reference"});
  expect_parts(told.command.out, {"::error title=attest heads/50%25%3A a%2Cb::torchtune: failed output"});
}

void expect_valid_junit(const std::string& xml) {
  const ScratchFolder scratch;
  std::ofstream(scratch / "junit.xml") << xml;
  const auto outcome = run_command(
      {"/usr/bin/env", "xmllint", "--noout", "--schema", ATTEST_JUNIT_SCHEMA, (scratch / "junit.xml").string()});
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err << xml;
}

TEST(ci_reports, junit_is_valid_against_the_common_schema) {
  ATTEST_NEEDS_PROGRAM("xmllint");
  expect_valid_junit(verify_a_wrong_case_beside_a_right_one().junit);
  expect_valid_junit(told_by({"verify", "errors", "bfloat16/bool_mask", "--implementation", "optimized"}).junit);
  expect_valid_junit(profile_once().junit);
  expect_valid_junit(selftest_once().junit);
}

TEST(ci_reports, junit_is_valid_whatever_a_library_says) {
  ATTEST_NEEDS_PROGRAM("xmllint");
  for (const std::string way : {"return_an_error_in_latin_1", "message_without_end", "complain_and_abort"}) {
    const Told told = told_by(
        {"verify", "sizes/h_d_4_s_1_b_1", "--implementation", std::string(ATTEST_MISBEHAVING_KERNEL) + "#" + way});
    EXPECT_EQ(told.command.exit_code, 1);
    expect_valid_junit(told.junit);
  }
}

TEST(ci_reports, the_junit_schema_rejects_what_is_no_junit) {
  ATTEST_NEEDS_PROGRAM("xmllint");
  std::string xml = profile_once().junit;
  xml.replace(xml.find("<testcase"), 9, "<testcas");
  const ScratchFolder scratch;
  std::ofstream(scratch / "junit.xml") << xml;
  EXPECT_NE(run_command({"/usr/bin/env", "xmllint", "--noout", "--schema", ATTEST_JUNIT_SCHEMA,
                         (scratch / "junit.xml").string()})
                .exit_code,
            0);
}

}  // namespace
}  // namespace attest::property_tests
