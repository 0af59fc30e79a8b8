#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <regex>

#include "property_tests/document_commands.h"
#include "property_tests/file_content.h"
#include "property_tests/markdown.h"
#include "property_tests/needed_program.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The documents are true: every command in them runs (document_commands.h says how they say otherwise), every link
/// leads to a file, and `scripts/docs` makes pages of them. One test for each document.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = ATTEST_SOURCE;

/// Relative to the source: those at the top, in docs/, and each room's README.md.
std::vector<fs::path> documents() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(kSource)) {
    const auto name = entry.path().filename();
    if (name.extension() == ".md") files.push_back(name);
    if (fs::exists(entry.path() / "README.md")) files.push_back(name / "README.md");
  }
  for (const auto& entry : fs::directory_iterator(kSource / "docs")) {
    if (entry.path().extension() == ".md") files.push_back(fs::path("docs") / entry.path().filename());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// A folder that looks like a clone in which somebody stands, so that what commands write stays out of the source.
void lay_out_clone(const fs::path& folder) {
  for (const auto& entry : fs::directory_iterator(kSource)) {
    const auto name = entry.path().filename();
    if (name != ".git" && name != "build") fs::create_symlink(entry.path(), folder / name);
  }
}

std::map<std::string, std::string> environment_with_attest() {
  const std::string path = fs::path(ATTEST_COMMAND).parent_path().string() + ":" + std::getenv("PATH");
  return {{"PATH", path}};
}

class CommandsOfDocument : public ::testing::Test {
 public:
  explicit CommandsOfDocument(fs::path file) : file_(std::move(file)) {}
  void TestBody() override {
    const ScratchFolder scratch;
    lay_out_clone(scratch.path());
    for (const auto& wrong : wrong_commands(content_of(kSource / file_), scratch.path(), environment_with_attest())) {
      ADD_FAILURE() << file_.string() << ", " << wrong;
    }
  }

 private:
  fs::path file_;
};

class LinksOfDocument : public ::testing::Test {
 public:
  explicit LinksOfDocument(fs::path file) : file_(std::move(file)) {}
  void TestBody() override {
    for (const auto& link : markdown(content_of(kSource / file_)).links) {
      if (link.starts_with("https://")) continue;
      EXPECT_TRUE(fs::is_regular_file(kSource / file_.parent_path() / link)) << file_.string() << " links to " << link;
    }
  }

 private:
  fs::path file_;
};

void register_documents() {
  for (const auto& file : documents()) {
    const std::string name = file.generic_string();
    ::testing::RegisterTest("documents", ("every_command_runs_of/" + name).c_str(), nullptr, nullptr, __FILE__,
                            __LINE__, [file]() -> ::testing::Test* { return new CommandsOfDocument(file); });
    ::testing::RegisterTest("documents", ("every_link_leads_to_a_file_of/" + name).c_str(), nullptr, nullptr, __FILE__,
                            __LINE__, [file]() -> ::testing::Test* { return new LinksOfDocument(file); });
  }
}

// --- what would be noticed -----------------------------------------------------------------------------------------

std::vector<std::string> wrong_in(const std::string& document) {
  const ScratchFolder scratch;
  return wrong_commands(document, scratch.path(), environment_with_attest());
}

void expect_complaint(const std::string& document, const std::string& mention) {
  const auto wrong = wrong_in(document);
  ASSERT_EQ(wrong.size(), 1u) << document;
  EXPECT_NE(wrong.front().find(mention), std::string::npos) << wrong.front();
}

TEST(documents, a_command_that_fails_is_noticed) {
  expect_complaint("# T\n\n```sh\nattest targets\nattest verfy\n```\n", "line 4: `attest verfy` exits with 2");
  expect_complaint("```sh\nattest verify --targets avx2\n```\n", "exits with 2");
  expect_complaint("```sh exits 1\nattest targets\n```\n", "exits with 0, not 1");
}

TEST(documents, an_output_that_is_no_longer_printed_is_noticed) {
  expect_complaint("```sh\nattest --version\n```\n```output\nattest 0.0.1\n```\n", "the commands print");
  expect_complaint("```sh\nprintf 'a\\nb\\nc\\n'\n```\n```output\nb\n...\n```\n", "the commands print");
}

TEST(documents, a_command_that_would_not_be_run_needs_a_reason) {
  expect_complaint("```sh no-test\nattest verify\n```\n", "without a reason");
  expect_complaint("```\nattest verfy\n```\n", "does not say what it is");
  expect_complaint("    attest verfy\n", "outside of a fenced block");
  expect_complaint("```sh notest needs torch\nattest targets\n```\n", "unknown note");
}

TEST(documents, an_option_of_a_command_that_is_not_run_is_looked_up) {
  expect_complaint("```sh no-test takes long\nattest verfy\n```\n", "`attest verfy` has no --help");
  expect_complaint("```sh no-test takes long\nattest profile \\\n  --leyer tiny\n```\n", "does not know --leyer");
  EXPECT_TRUE(wrong_in("```sh no-test takes long\nattest profile --layer tiny\nother --thing\n```\n").empty());
}

TEST(documents, a_true_document_has_no_complaints) {
  EXPECT_TRUE(wrong_in("```sh no-test needs a network\nattest verify\n```\n"
                       "```sh\nprintf 'a\\nb\\n' \\\n  >made\n\ncat made; echo c\n```\n```output\na\n...c\n```\n"
                       "```sh exits 1\ntest -f made\ntest -f not_made\n```\n```text\nanything\n```\n")
                  .empty());
}

// --- pages ---------------------------------------------------------------------------------------------------------

TEST(documents, the_pages_link_to_each_other_and_to_nothing_that_is_missing) {
  ATTEST_NEEDS_PROGRAM("cmark-gfm");
  const ScratchFolder scratch;
  const CommandOutcome outcome =
      run_command({"/bin/bash", (kSource / "scripts/docs").string(), "--output", (scratch / "pages").string()});
  ASSERT_EQ(outcome.exit_code, 0) << outcome.err;
  std::size_t pages = 0;
  for (const auto& entry : fs::recursive_directory_iterator(scratch / "pages")) {
    if (entry.path().extension() != ".html") continue;
    ++pages;
    const std::string page = content_of(entry.path());
    static const std::regex kHref("href=\"([^\"#]+)\"");
    for (std::sregex_iterator found(page.begin(), page.end(), kHref), none; found != none; ++found) {
      const std::string href = (*found)[1];
      if (href.starts_with("https://")) continue;
      EXPECT_TRUE(fs::is_regular_file(entry.path().parent_path() / href)) << entry.path() << " links to " << href;
      EXPECT_FALSE(href.ends_with(".md")) << entry.path() << " links to " << href;
    }
  }
  EXPECT_EQ(pages, documents().size());
}

}  // namespace
}  // namespace attest::property_tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  attest::property_tests::register_documents();
  return RUN_ALL_TESTS();
}
