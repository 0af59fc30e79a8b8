#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/report/report_kinds.h"
#include "property_tests/browser.h"
#include "property_tests/file_content.h"
#include "property_tests/needed_program.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The HTML pages of every command, opened in a real browser. What it shows on a phone and on a desk, in light and in
/// dark, is kept in the build folder as property_tests/screenshots/*.png.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

int run_attest(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), ATTEST_COMMAND);
  return run_command(arguments).exit_code;
}

TEST(page_of_every_case, is_smaller_than_two_mebibytes_and_needs_nothing_from_elsewhere) {
  const ScratchFolder scratch;
  const auto file = scratch / "page.html";
  ASSERT_EQ(run_attest({"verify", "--quiet", "--report", "html=" + file.string()}), 0);
  const auto page = content_of(file);
  EXPECT_LT(page.size(), 2U << 20);
  EXPECT_NE(page.find("real_layers/llama3_1_8b"), std::string::npos);
  for (const std::string part : {"http:", "https:", " src=", "@import", "url("}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

class pages : public testing::Test {
 protected:
  void SetUp() override {
    ATTEST_NEEDS_PROGRAM("chromium");
    browser_ = std::make_unique<Browser>();
  }

  fs::path page() const { return scratch_ / "page.html"; }
  std::string as_page() const { return "html=" + page().string(); }

  /// What the table that can be filtered says of itself; and its first row.
  std::string shown() { return browser_->evaluate("form.querySelector('output').textContent"); }
  std::string first_row() {
    return browser_->evaluate(
        "document.querySelector(`#${form.dataset.table} tbody tr:not([hidden]) > th`).textContent");
  }

  /// What holds of every page on every screen; and its pictures.
  void expect_a_sound_page(const std::string& name) {
    for (const bool dark : {false, true}) {
      for (const int width : {390, 1440}) {
        SCOPED_TRACE(name + ", " + std::to_string(width) + (dark ? " dark" : " light"));
        browser_->open(page(), "", {width, dark});
        EXPECT_LE(browser_->evaluate("document.documentElement.scrollWidth").get<int>(), width);
        expect_true("[...document.querySelectorAll('figure')].every((one) => one.querySelector('table'))");
        expect_true("[...document.querySelectorAll('svg[role=img]')].every((one) => one.ariaLabel.length > 10)");
        expect_true("[...document.querySelectorAll('a')].every((one) => document.querySelector(one.hash))");
        expect_true(
            "[...document.querySelectorAll('[id]')].every((one) => document.querySelectorAll('#' + "
            "CSS.escape(one.id)).length === 1)");
        EXPECT_EQ(browser_->complaints(), std::vector<std::string>());
        browser_->save_screenshot(fs::path(ATTEST_SCREENSHOTS) /
                                  (name + "-" + std::to_string(width) + (dark ? "-dark" : "-light") + ".png"));
      }
    }
  }

  void expect_true(const std::string& expression) { EXPECT_EQ(browser_->evaluate(expression), true) << expression; }

  ScratchFolder scratch_;
  std::unique_ptr<Browser> browser_;
};

TEST_F(pages, are_refused_if_they_complain_or_ask_for_more) {
  std::ofstream(page())
      << "<script>console.error('wrong'); nowhere();</script><img src='http://127.0.0.1:9/picture.png'>";
  browser_->open(page());
  EXPECT_GE(browser_->complaints().size(), 3U);
}

TEST_F(pages, a_verify_that_passes) {
  ASSERT_EQ(run_attest({"verify", "heads", "masks", "cache", "errors", "--quiet", "--report", as_page()}), 0);
  expect_a_sound_page("verify-passed");
  expect_true("document.querySelector('#failures') === null");
}

TEST_F(pages, a_verify_that_fails_shows_where_and_why) {
  ASSERT_EQ(run_attest({"verify", "heads", "--implementation", ATTEST_BUG_ZOO "#heads_tiled", "--quiet", "--report",
                        as_page()}),
            1);
  expect_a_sound_page("verify-failed");
  expect_true("document.querySelector('.trouble .cell.h0') !== null");
  expect_true("document.querySelector('.explanation').textContent.includes('tiled instead of repeated')");
  expect_true("document.querySelector('.trouble code').textContent.startsWith('attest replay ')");
}

TEST_F(pages, the_table_is_filtered_and_sorted_by_a_link) {
  ASSERT_EQ(run_attest({"verify", "heads", "masks", "--quiet", "--implementation", "reference", "--report", as_page()}),
            0);
  browser_->open(page());
  const std::string all = shown();
  browser_->open(page(), "#text=MASKS&status=passed&sort=-case");
  EXPECT_NE(shown(), all);
  EXPECT_TRUE(first_row().starts_with("masks/")) << first_row();
  const std::string last = first_row();
  browser_->open(page(), "#text=masks&sort=case");
  EXPECT_LT(first_row(), last);
  browser_->open(page(), "#status=failed");
  EXPECT_TRUE(shown().starts_with("0 of ")) << shown();
  EXPECT_EQ(browser_->complaints(), std::vector<std::string>());
}

TEST_F(pages, the_table_is_filtered_and_sorted_by_hand_and_the_address_says_how) {
  ASSERT_EQ(run_attest({"verify", "heads", "masks", "--quiet", "--implementation", "reference", "--report", as_page()}),
            0);
  browser_->open(page());
  browser_->evaluate("document.querySelector('th[data-sort=case] button').focus()");
  browser_->press_enter();
  browser_->press_enter();
  EXPECT_EQ(browser_->evaluate("document.querySelector('th[data-sort=case]').ariaSort"), "descending");
  EXPECT_TRUE(first_row().starts_with("masks/")) << first_row();
  browser_->evaluate("form.elements.text.value = 'heads/'; form.dispatchEvent(new Event('input'))");
  EXPECT_TRUE(first_row().starts_with("heads/")) << first_row();
  EXPECT_EQ(browser_->evaluate("location.hash"), "#text=heads%2F&sort=-case");
  EXPECT_EQ(browser_->complaints(), std::vector<std::string>());
}

/// The document of a real profile, with a peer as docs/json_report.md describes it: torchtune is not installed
/// everywhere.
Json with_a_peer(Json document) {
  const Json ratio = {{"each", {{"median", 2.0}}}, {"interval", {{"low", 1.8}, {"high", 2.2}, {"confidence", 0.95}}}};
  for (auto& item : document.at("items")) {
    item["peers"] = {{{"name", "torchtune"},
                      {"versions", "its versions"},
                      {"cold", item.at("cold")},
                      {"warm", item.at("warm")},
                      {"cold_ratio", ratio},
                      {"warm_ratio", ratio},
                      {"output_difference", 1e-7}}};
  }
  return document;
}

TEST_F(pages, a_profile) {
  const auto before = scratch_ / "before.json", now = scratch_ / "now.json";
  const std::vector<std::string> work = {
      "profile",   "--layer", "tiny",          "--work", "prefill:16,decode:64,attention:33",
      "--threads", "1,2",     "--repetitions", "3"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), work.begin(), work.end());
    return run_attest(more);
  };
  ASSERT_EQ(with({"--report", "json=" + before.string()}), 0);
  ASSERT_EQ(with({"--baseline", before.string(), "--report", "json=" + now.string(), "--report", as_page()}), 0);
  browser_->open(page(), "#text=decode&sort=-warm");
  EXPECT_EQ(shown(), "2 of 6 work items");
  harness::write_reports({{"html", page()}}, with_a_peer(Json::parse(content_of(now))));
  expect_a_sound_page("profile");
  EXPECT_EQ(browser_->evaluate("document.querySelectorAll('#scaling ~ .beside tbody tr').length"), 6);
  EXPECT_EQ(browser_->evaluate("document.querySelectorAll('.work').length"), 6);
  expect_true("[...document.querySelectorAll('.work')].every((one) => one.textContent.includes('Roofline'))");
  expect_true("[...document.querySelectorAll('.work')].every((one) => one.textContent.includes('Beside others'))");
  expect_true("[...document.querySelectorAll('.work')].every((one) => one.querySelectorAll('.segment').length > 2)");
}

TEST_F(pages, a_selftest) {
  ASSERT_EQ(run_attest({"selftest", "--bug", "heads_tiled", "--bug", "stale_v", "--bug", "writes_past_end", "--report",
                        as_page()}),
            0);
  expect_a_sound_page("selftest");
  EXPECT_EQ(shown(), "3 of 3 bugs");
  expect_true("document.querySelector('.check.S').textContent === 'S'");
  browser_->open(page(), "#area=cache");
  EXPECT_EQ(shown(), "1 of 3 bugs");
  EXPECT_EQ(first_row(), "stale_v");
  browser_->open(page(), "#status=survived");
  EXPECT_EQ(shown(), "0 of 3 bugs");
  browser_->open(page(), "#bug-stale_v");
  expect_true("document.querySelector('#bug-stale_v').parentElement.open");
  EXPECT_EQ(browser_->complaints(), std::vector<std::string>());
}

}  // namespace
}  // namespace attest::property_tests
