#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "fixtures/case_file.h"
#include "property_tests/case_copy.h"
#include "property_tests/needed_program.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The report that people read, an HTML page.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// A recorded case whose output is wrong in one element, beside a right one.
void put_a_wrong_case_beside_a_right_one(const fs::path& folder) {
  copy_case("heads/multi_head", folder);
  const auto file = copy_case("heads/grouped_query", folder);
  auto item = read_case(file);
  item.steps[0].expected.at(Stage::output).as<float>()[7] += 0.01F;
  write_case(item, file);
}

class reports : public testing::Test {
 protected:
  void SetUp() override { put_a_wrong_case_beside_a_right_one(scratch_.path()); }

  std::string verify_as(const std::string& kind) {
    const auto file = scratch_ / "report";
    const auto outcome = run_command({ATTEST_COMMAND, "verify", scratch_.path().string(), "--implementation",
                                      "reference", "--report", kind + "=" + file.string()});
    EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
    return text_of(file);
  }

  ScratchFolder scratch_;
};

TEST_F(reports, the_page_holds_every_case_and_needs_nothing_from_elsewhere) {
  const auto page = verify_as("html");
  for (const std::string part : {"heads/multi_head", "heads/grouped_query", "What is wrong", "attest replay "}) {
    EXPECT_NE(page.find(part), std::string::npos) << part;
  }
  for (const std::string part : {"http:", "https:", "src=", "@import", "url("}) {
    EXPECT_EQ(page.find(part), std::string::npos) << part;
  }
}

TEST_F(reports, a_browser_filters_and_sorts_the_table_without_an_error) {
  ATTEST_NEEDS_PROGRAM("chromium");
  auto page = verify_as("html");
  page.insert(page.find("<style>"),
              "<script>onerror = (m) => { document.documentElement.dataset.error = m; };</script>");
  page.insert(page.find("</body>"), R"(<script>
    const button = table.tHead.rows[0].cells[0].querySelector("button");
    button.click(); button.click();
    document.body.dataset.first = body.rows[0].cells[0].textContent;
    form.elements.text.value = "GROUPED"; form.dispatchEvent(new Event("input"));
    document.body.dataset.shown = shown.textContent;</script>)");
  std::ofstream(scratch_ / "page.html") << page;
  const auto dom = run_command({"/usr/bin/env", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom",
                                "--user-data-dir=" + (scratch_ / "profile").string(),
                                "file://" + (scratch_ / "page.html").string()});
  EXPECT_NE(dom.out.find("data-first=\"heads/multi_head\""), std::string::npos) << dom.err;
  EXPECT_NE(dom.out.find("data-shown=\"1 of 2 cases\""), std::string::npos) << dom.err;
  EXPECT_EQ(dom.out.find("data-error"), std::string::npos) << dom.out;
}

}  // namespace
}  // namespace attest::property_tests
