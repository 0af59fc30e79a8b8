#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <functional>
#include <map>
#include <regex>
#include <set>

#include "fixtures/case_file.h"
#include "harness/bug_zoo/bugs.h"
#include "harness/bug_zoo/design.h"
#include "harness/report/json_report.h"
#include "harness/report/profile_report.h"
#include "harness/report/selftest_report.h"
#include "property_tests/case_copy.h"
#include "property_tests/file_content.h"
#include "property_tests/json_schema.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The schemas of docs/schema/ accept every report and nothing else. The reports that other tests make are held against
/// them as well (valid_report); here are those that go wrong in many ways, and damaged ones.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using Pointer = Json::json_pointer;
using Words = std::vector<std::string>;

Json report_of(Words command, int exit_code) {
  const ScratchFolder scratch;
  const auto file = scratch / "report.json";
  command.insert(command.begin(), ATTEST_COMMAND);
  command.insert(command.end(), {"--report", "json=" + file.string()});
  const CommandOutcome outcome = run_command(command);
  EXPECT_EQ(outcome.exit_code, exit_code) << outcome.out << outcome.err;
  return valid_report(file);
}

/// A case whose recorded output is wrong, judged: with an explanation, a line to replay, and every optional member.
Json failed_report() {
  const ScratchFolder scratch;
  const auto file = copy_case("heads/grouped_query", scratch.path());
  auto item = read_case(file);
  item.steps[0].expected.at(Stage::attention).as<float>()[7] += 0.01F;
  write_case(item, file);
  return report_of({"verify", file.string(), "--implementation", "reference", "--implementation", "optimized"}, 1);
}

Json made_report(const std::string& kind) {
  if (kind == "verify") return failed_report();
  if (kind == "selftest") return report_of({"selftest", "--bug", "heads_tiled", "--bug", "writes_past_end"}, 0);
  return report_of({"profile", "--layer", "tiny", "--work", "prefill:4,attention:4", "--repetitions", "1"}, 0);
}

// --- valid -----------------------------------------------------------------------------------------------------------

TEST(report_schemas, accept_whatever_a_library_does) {
  for (const std::string way :
       {"crash", "leave_a_row_unwritten", "return_an_error", "unsupported", "wrong_at_a_page"}) {
    const auto library = std::string(ATTEST_MISBEHAVING_KERNEL) + "#" + way;
    report_of({"verify", "sizes/h_d_4_s_1_b_1", "--implementation", library}, 1);
  }
}

TEST(report_schemas, accept_cases_that_raise_or_are_skipped_or_have_nothing_to_judge) {
  report_of({"verify", "errors", "norms", "bfloat16/bool_mask", "packed/two_documents"}, 0);
  report_of({"verify", "bfloat16/bool_mask", "--implementation", "optimized"}, 1);
}

/// "passed", and whether the report is valid.
std::string status_of(const nlohmann::ordered_json& document) {
  const Json report = Json::parse(document.dump());
  EXPECT_EQ(breaches(report), "");
  return report.at("status");
}

TEST(report_schemas, accept_a_covering_array_with_a_failure_and_a_hole) {
  const harness::Judged library{harness::Party::library, "./k.so"};
  harness::Run run;
  harness::CoverageRun& coverage = run.coverage.emplace();
  coverage.coverage.holes = {{"keys=4097, path=cross", ""}};
  coverage.coverage.left_out = {{"keys=4097, path=self", "self-attention of many tokens costs their square"}};
  coverage.tallies = {{library, 7, 1, 2, 0.5, "family=far_below seed=3"}};
  harness::Result failure;
  failure.case_name = "seed=1 s_x=17 alone=yes";
  failure.stage = "attention";
  failure.status = harness::Status::failed;
  failure.judged = library;
  failure.message = "1 of 9 elements outside the error budget";
  coverage.failures = coverage.skipped = {failure};
  const auto document = report_document(run, summarise(run), harness::environment_fingerprint(), {{"attest"}, "1/1"});
  EXPECT_EQ(status_of(document), "failed");
  EXPECT_EQ(document["coverage"]["failures"][0]["replay"], "law=truth implementation=./k.so seed=1 s_x=17 alone=yes");
}

TEST(report_schemas, accept_a_profile_of_wrong_and_invalid_items) {
  harness::Repetition once;
  once.cold = once.warm = once.fma = once.stream = 1.0;
  once.parts.call = once.untimed = 1.0;
  const harness::ProfileRequest request{.layer = harness::profiled_layer("tiny"),
                                        .item = {},
                                        .target = optimized::Target::scalar,
                                        .repetitions = 1,
                                        .peers = {}};
  harness::ProfileResult wrong = summarise(request, {}, {once, once}, harness::Caches::warm), invalid = wrong;
  wrong.verdict.stages = {{.stage = "attention", .e = INFINITY, .elements = 9, .passed = false, .message = "1 of 9"}};
  invalid.status = harness::Status::invalid;
  const harness::Fingerprint here = harness::environment_fingerprint();
  EXPECT_EQ(status_of(profile_document({wrong, invalid}, 2, here, {"attest"})), "failed");
  EXPECT_EQ(status_of(profile_document({invalid}, 1, here, {"attest"})), "passed");
  EXPECT_EQ(status_of(profile_document({invalid}, 2, here, {"attest"})), "interrupted");
}

TEST(report_schemas, accept_a_selftest_with_a_survivor_and_a_rejected_variant) {
  harness::Result result;
  result.stage = "attention";
  result.message = "1 of 9 elements outside the error budget";
  harness::Trial survivor, rejected;
  survivor.name = "heads_tiled";
  rejected.name = bug_zoo::kCorrectVariants.front().name;
  rejected.rejections.emplace("randn", harness::Rejection{harness::Check::stage, "family=randn", result});
  harness::Selftest selftest{
      .families = {"randn"}, .bugs = {survivor}, .variants = {rejected}, .coverage_holes = {}, .selected = 2};
  EXPECT_EQ(status_of(selftest_document(selftest, harness::environment_fingerprint(), {"attest"})), "failed");
  selftest.interrupted = true;
  EXPECT_EQ(status_of(selftest_document(selftest, harness::environment_fingerprint(), {"attest"})), "interrupted");
}

// --- damaged ---------------------------------------------------------------------------------------------------------

/// "/cases/*/results/*/e"
std::string place_of(const Pointer& at) {
  static const std::regex kIndex("/[0-9]+(?=/|$)");
  return std::regex_replace(at.to_string(), kIndex, "/*");
}

/// Calls this with each value of the report that stands in another place than those before.
void for_each_place(const Json& report, const std::function<void(const Pointer&)>& visit) {
  std::set<std::string> seen;
  const std::function<void(const Json&, const Pointer&)> walk = [&](const Json& value, const Pointer& at) {
    if (!at.empty() && seen.insert(place_of(at)).second) visit(at);
    for (const auto& [name, member] : value.items()) {
      if (value.is_array()) walk(member, at / std::stoul(name));
      if (value.is_object()) walk(member, at / name);
    }
  };
  walk(report, Pointer());
}

/// Tells where the damaged report is still valid.
void expect_rejected(const Json& report, const Pointer& at, const std::string& damage) {
  EXPECT_NE(breaches(report), "") << damage << " at " << at.to_string();
}

class damaged_report : public testing::TestWithParam<const char*> {
 protected:
  const Json& report() const { return report_; }

 private:
  const Json report_ = made_report(GetParam());
};

TEST_P(damaged_report, with_a_value_of_no_type_is_rejected_wherever_it_stands) {
  std::size_t places = 0;
  for_each_place(report(), [&](const Pointer& at) {
    Json damaged = report();
    damaged[at] = nullptr;
    expect_rejected(damaged, at, "null");
    ++places;
  });
  EXPECT_GT(places, 40U);
}

TEST_P(damaged_report, with_an_unknown_member_is_rejected_in_every_object) {
  for_each_place(report(), [&](const Pointer& at) {
    if (!report().at(at).is_object()) return;
    Json damaged = report();
    damaged[at]["unheard_of"] = 1;
    expect_rejected(damaged, at, "an unknown member");
  });
}

TEST_P(damaged_report, without_a_member_is_rejected_unless_the_document_says_that_it_may_be_absent) {
  static const std::set<std::string> kMayBeAbsent = {"/cases/*/results/*/worst",
                                                     "/cases/*/results/*/peer",
                                                     "/cases/*/results/*/sensitivity",
                                                     "/cases/*/results/*/sensitivity/swapped_heads",
                                                     "/cases/*/results/*/replay",
                                                     "/cases/*/results/*/gap",
                                                     "/summary/implementations/*/peer",
                                                     "/summary/implementations/*/scores",
                                                     "/summary/implementations/*/declares",
                                                     "/summary/implementations/*/isolation",
                                                     "/summary/sensitivity/least",
                                                     "/summary/sensitivity/least/swapped_heads",
                                                     "/items/*/memory",
                                                     "/items/*/stages/events/cycles",
                                                     "/items/*/stages/events/instructions",
                                                     "/items/*/stages/events/cache_misses",
                                                     "/items/*/stages/events/page_faults",
                                                     "/items/*/stages/events/context_switches",
                                                     "/items/*/baseline"};
  for_each_place(report(), [&](const Pointer& at) {
    const Pointer owner = at.parent_pointer();
    const bool is_of_a_map = !owner.empty() && owner.back() == "rejections";
    if (report().at(owner).is_array() || is_of_a_map) return;
    Json damaged = report();
    damaged.at(owner).erase(at.back());
    EXPECT_EQ(breaches(damaged).empty(), kMayBeAbsent.contains(place_of(at))) << "nothing at " << at.to_string();
  });
}

TEST_P(damaged_report, with_a_misspelt_word_is_rejected) {
  static const std::set<std::string> kWords = {"schema", "status", "mode",        "gap",   "dtype",  "check",
                                               "area",   "by",     "fraction_of", "scale", "verdict"};
  for_each_place(report(), [&](const Pointer& at) {
    if (!kWords.contains(at.back()) || !report().at(at).is_string()) return;
    Json damaged = report();
    damaged[at] = report().at(at).get<std::string>() + "x";
    expect_rejected(damaged, at, "a misspelt word");
  });
}

TEST_P(damaged_report, of_another_version_is_rejected) {
  Json damaged = report();
  damaged["schema_version"] = damaged["schema_version"].get<int>() + 1;
  EXPECT_NE(breaches(damaged), "");
}

INSTANTIATE_TEST_SUITE_P(of, damaged_report, testing::Values("verify", "profile", "selftest"),
                         [](const auto& kind) { return std::string(kind.param); });

// --- described -------------------------------------------------------------------------------------------------------

void collect_members(const Json& schema, std::set<std::string>& members) {
  if (!schema.is_structured()) return;
  if (schema.is_object() && schema.contains("properties")) {
    for (const auto& [name, ignored] : schema.at("properties").items()) members.insert(name);
  }
  for (const auto& part : schema) collect_members(part, members);
}

TEST(report_schemas, have_no_member_that_the_document_does_not_explain) {
  const std::string document = content_of(fs::path(ATTEST_SCHEMAS) / "../json_report.md");
  std::set<std::string> members;
  for (const auto& file : fs::directory_iterator(ATTEST_SCHEMAS)) {
    collect_members(Json::parse(std::ifstream(file.path())), members);
  }
  EXPECT_GT(members.size(), 100U);
  for (const auto& member : members) {
    EXPECT_NE(document.find("`" + member + "`"), std::string::npos) << member;
  }
}

}  // namespace
}  // namespace attest::property_tests
