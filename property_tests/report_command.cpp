#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "fixtures/case_file.h"
#include "fixtures/error.h"
#include "harness/report/html/page.h"
#include "harness/report/reported_run.h"
#include "harness/report/terminal_report.h"
#include "property_tests/case_copy.h"
#include "property_tests/file_content.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// `attest report`: what a JSON report holds is what the run showed and wrote, and shards are the whole.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Words = std::vector<std::string>;

CommandOutcome attest(Words words) {
  words.insert(words.begin(), ATTEST_COMMAND);
  return run_command(words);
}

/// Runs the command, which writes its JSON report into the file.
CommandOutcome reported(Words words, const fs::path& file) {
  words.insert(words.end(), {"--report", "json=" + file.string()});
  return attest(words);
}

void write(const fs::path& file, const Json& document) { std::ofstream(file) << document.dump(); }

Json document_in(const fs::path& file) { return Json::parse(content_of(file)); }

/// A case whose recorded output is wrong: explained, with a heat map and lines to replay.
fs::path wrong_case(const fs::path& folder) {
  const auto file = copy_case("heads/grouped_query", folder);
  auto item = read_case(file);
  item.steps[0].expected.at(Stage::attention).as<float>()[7] += 0.01F;
  write_case(item, file);
  return file;
}

/// Without what differs from run to run.
Json timeless(Json document) {
  document.erase("seconds");
  document.erase("command");
  for (auto& item : document.at("cases")) item.erase("seconds");
  if (document.contains("coverage")) document["coverage"].erase("seconds");
  return document;
}

/// JUnit XML says when it was written.
std::string undated(const std::string& xml) { return std::regex_replace(xml, std::regex("timestamp=\"[^\"]*\""), ""); }

/// The files that a run and `attest report` wrote of the same.
void expect_same_forms(const Words& command, int exit_code) {
  const ScratchFolder scratch;
  const auto forms = [&](const std::string& name) {
    return Words{"--report", "html=" + (scratch / (name + ".html")).string(), "--report",
                 "junit=" + (scratch / (name + ".xml")).string()};
  };
  const auto with_forms = [&](Words words, const std::string& name) {
    for (const auto& word : forms(name)) words.push_back(word);
    return words;
  };
  const auto json = scratch / "run.json";
  EXPECT_EQ(reported(with_forms(command, "run"), json).exit_code, exit_code);
  const CommandOutcome again =
      attest(with_forms({"report", json.string(), "--report", "json=" + (scratch / "again.json").string()}, "again"));
  EXPECT_EQ(again.exit_code, exit_code) << again.err;
  EXPECT_EQ(content_of(scratch / "run.json"), content_of(scratch / "again.json"));
  EXPECT_EQ(content_of(scratch / "run.html"), content_of(scratch / "again.html"));
  EXPECT_EQ(undated(content_of(scratch / "run.xml")), undated(content_of(scratch / "again.xml")));
}

TEST(report_command, writes_what_a_run_wrote_byte_for_byte) {
  const ScratchFolder scratch;
  expect_same_forms({"verify", "heads", "errors", "bfloat16/bool_mask", "--draws", "20", "--quiet"}, 0);
  expect_same_forms({"verify", "heads/multi_query", wrong_case(scratch.path()).string(), "--quiet"}, 1);
  expect_same_forms({"selftest", "--bug", "heads_tiled"}, 0);
  expect_same_forms({"profile", "--layer", "tiny", "--work", "prefill:4", "--repetitions", "3"}, 0);
}

TEST(report_command, shows_what_a_run_showed) {
  const ScratchFolder scratch;
  const auto json = scratch / "run.json";
  const auto wrong = wrong_case(scratch.path()).string();
  for (const Words& detail : {Words{}, Words{"--quiet"}, Words{"--verbose"}}) {
    Words verify = {"verify", "heads", wrong}, report = {"report", json.string()};
    verify.insert(verify.end(), detail.begin(), detail.end());
    report.insert(report.end(), detail.begin(), detail.end());
    const CommandOutcome run = reported(verify, json);
    EXPECT_EQ(attest(report).out, run.out);
  }
}

/// The shards of a run, I/N in "I.json".
void write_shards(const fs::path& folder, std::size_t count, const Words& command = {"verify", "heads"}) {
  for (std::size_t i = 1; i <= count; ++i) {
    Words words = command;
    words.insert(words.end(), {"--shard", std::to_string(i) + "/" + std::to_string(count), "--quiet"});
    EXPECT_EQ(reported(words, folder / (std::to_string(i) + ".json")).exit_code, 0);
  }
}

TEST(report_command, joins_shards_in_any_order_to_the_run_that_was_not_sharded) {
  const ScratchFolder scratch;
  const auto file = [&](const std::string& name) { return (scratch / (name + ".json")).string(); };
  write_shards(scratch.path(), 3);
  reported({"verify", "heads", "--quiet"}, file("whole"));
  const auto joined = reported({"report", file("3"), file("1"), file("2"), "--quiet"}, file("joined"));
  EXPECT_EQ(joined.exit_code, 0) << joined.err;
  EXPECT_EQ(timeless(document_in(file("joined"))), timeless(document_in(file("whole"))));
}

// --- what it refuses -------------------------------------------------------------------------------------------------

void expect_refusal(Words files, const Words& parts) {
  files.insert(files.begin(), "report");
  const CommandOutcome outcome = attest(files);
  EXPECT_EQ(outcome.exit_code, 2);
  EXPECT_EQ(std::ranges::count(outcome.err, '\n'), 1) << outcome.err;
  for (const auto& part : parts) EXPECT_NE(outcome.err.find(part), std::string::npos) << outcome.err;
}

TEST(report_command, refuses_what_is_no_report_of_its_own) {
  const ScratchFolder scratch;
  const auto file = [&](const std::string& name) { return (scratch / (name + ".json")).string(); };
  expect_refusal({file("absent")}, {"absent.json", "cannot be read"});
  std::ofstream(file("text")) << "no JSON";
  expect_refusal({file("text")}, {"text.json", "a JSON report of attest"});
  write(file("foreign"), {{"schema", "pytest"}});
  expect_refusal({file("foreign")}, {"foreign.json", "a JSON report of attest"});
  reported({"verify", "heads/multi_query", "--quiet"}, file("good"));
  Json damaged = document_in(file("good"));
  damaged["schema_version"] = 99;
  write(file("later"), damaged);
  expect_refusal({file("later")}, {"later.json", "schema_version 1", "99"});
  damaged = document_in(file("good"));
  damaged.erase("setup");
  write(file("damaged"), damaged);
  expect_refusal({file("damaged")}, {"damaged.json", "setup"});
  damaged = document_in(file("good"));
  damaged["cases"][0]["status"] = "perfect";
  write(file("invented"), damaged);
  expect_refusal({file("invented")}, {"invented.json", "status", "passed, failed", "perfect"});
  damaged["cases"][0]["status"] = "<b>";
  write(file("marked_up"), damaged);
  expect_refusal({file("marked_up")}, {"marked_up.json", "status", "a word", "<b>"});
}

TEST(report_command, refuses_shards_that_are_not_all_of_one_run) {
  const ScratchFolder scratch;
  const auto file = [&](const std::string& name) { return (scratch / (name + ".json")).string(); };
  write_shards(scratch.path(), 3);
  expect_refusal({file("1"), file("2")}, {"all 3 shards", "2 of them"});
  expect_refusal({file("1"), file("2"), file("2")}, {"2.json", "here 3/3", "2/3"});
  reported({"verify", "norms", "--shard", "3/3", "--quiet"}, file("other"));
  expect_refusal({file("1"), file("2"), file("other")}, {"other.json", "verify heads", "verify norms"});
  attest({"selftest", "--bug", "heads_tiled", "--report", "json=" + file("selftest")});
  expect_refusal({file("1"), file("selftest")}, {"selftest.json", "shards"});
}

/// Whatever stands where something else should be, it is a report or it is refused.
TEST(report_command, shows_a_damaged_report_or_refuses_it) {
  const ScratchFolder scratch;
  const auto file = scratch / "run.json";
  reported({"verify", wrong_case(scratch.path()).string(), "--implementation", "reference", "--quiet"}, file);
  Json document = document_in(file);
  auto& results = document["cases"][0]["results"];
  std::erase_if(results.get_ref<Json::array_t&>(), [](const Json& one) { return one.at("status") == "passed"; });
  const Json places = document.flatten();
  std::size_t refused = 0;
  for (const auto& [place, value] : places.items()) {
    for (const Json& wrong : {Json(), Json(0), Json(-1), Json("x"), Json::array(), Json::object()}) {
      Json damaged = document;
      damaged[Json::json_pointer(place)] = wrong;
      try {
        const harness::ReportedRun read = harness::reported_run(damaged, file);
        const auto again = report_document(read.run, summarise(read.run), read.fingerprint, read.header);
        harness::verify_page(again);
        terminal_text(read, harness::TerminalStyle(false), std::nullopt, harness::Detail::verbose);
      } catch (const InputError&) {
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, places.size());
}

// --- what seldom happens ---------------------------------------------------------------------------------------------

TEST(report_command, reads_back_a_covering_array_with_a_failure_and_a_hole) {
  using namespace harness;
  harness::Run run;
  const Judged library{Party::library, "./my k.so"};
  CoverageRun& coverage = run.coverage.emplace();
  coverage.rows = coverage.selected = 10;
  coverage.coverage.counts = {{{1, 2}, {3, 4}, {5, 6}}};
  coverage.coverage.holes = {{"keys=4097, path=cross", ""}};
  coverage.tallies = {{library, 7, 1, 2, 0.5, "family=far_below seed=3"}};
  Result failure;
  failure.case_name = "seed=1 s_x=17 alone=yes";
  failure.stage = "attention";
  failure.status = Status::failed;
  failure.judged = library;
  failure.comparison = {
      .e = std::numeric_limits<double>::infinity(), .worst = WorstElement{{0, 1}, 1, 2, 0}, .problem = ""};
  failure.message = "1 of 9 elements outside the error budget";
  failure.explanation = {{{"zeros", "it is all zeros"}}, "all rows", {{"head", "channel"}, {1, 2}, 1, 1, {"0x"}}};
  coverage.failures = coverage.skipped = {failure};
  run.judged = {{Party::torchtune}, library};
  run.standings = {{library, Confinement{"", "the kernel lacks it"}, {.scores = reference::ScoreStorage::bfloat16}}};
  const auto document = report_document(run, summarise(run), environment_fingerprint(), {{"attest"}, "1/1"});
  const ReportedRun read = reported_run(document, "file");
  EXPECT_EQ(report_document(read.run, summarise(read.run), read.fingerprint, read.header), document);
  EXPECT_EQ(read.run.coverage->failures.front().case_name, failure.case_name);
}

}  // namespace
}  // namespace attest::property_tests
