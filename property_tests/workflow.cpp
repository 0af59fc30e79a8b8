#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <fstream>
#include <regex>

#include "property_tests/file_content.h"
#include "property_tests/markdown.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// The workflow of docs/ci.md, run step by step as GitHub would in a repository with a kernel and attest in it.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;

const fs::path kSource = ATTEST_SOURCE;

YAML::Node workflow() {
  for (const auto& fence : markdown(content_of(kSource / "docs/ci.md")).fences) {
    if (fence.language != "yaml") continue;
    std::string text;
    for (const auto& line : fence.lines) text += line + "\n";
    return YAML::Load(text);
  }
  throw std::runtime_error("docs/ci.md shows no workflow");
}

YAML::Node steps() { return workflow()["jobs"]["kernel"]["steps"]; }

/// A folder laid out as the document says, with the files through which GitHub and a step talk.
class Repository {
 public:
  explicit Repository(const std::string& kernel) {
    fs::create_symlink(kSource, folder_ / "attest");
    std::ofstream(folder_ / "my_kernel.c") << kernel;
  }

  /// With what is built already instead of what the step would build.
  CommandOutcome run(const std::string& step) const {
    const auto commands =
        std::regex_replace(step, std::regex(R"((^|\n)(apt-get|attest/scripts/setup) [^\n]*)"), "$1true");
    const std::string path = fs::path(ATTEST_COMMAND).parent_path().string() + ":" + std::getenv("PATH");
    return run_command({"/bin/bash", "-e", "-c", "cd '" + folder_.path().string() + "'\n" + commands},
                       {{"PATH", path},
                        {"GITHUB_ACTIONS", "true"},
                        {"GITHUB_PATH", (folder_ / "path").string()},
                        {"GITHUB_STEP_SUMMARY", (folder_ / "summary.md").string()}});
  }

  /// The exit code of the first step that fails, or 0. `out` of all of them.
  CommandOutcome run_all() const {
    CommandOutcome all;
    all.exit_code = 0;
    for (const auto& step : steps()) {
      if (!step["run"] || all.exit_code != 0) continue;
      const CommandOutcome one = run(step["run"].as<std::string>());
      all = {one.exit_code, all.out + one.out, all.err + one.err};
    }
    return all;
  }

  std::string content(const std::string& file) const { return content_of(folder_ / file); }

 private:
  ScratchFolder folder_;
};

std::string example_kernel() { return content_of(kSource / "harness/example_kernel.c"); }

TEST(workflow, each_step_uses_a_versioned_action_or_runs_commands) {
  ASSERT_GE(steps().size(), 5U);
  for (const auto& step : steps()) {
    EXPECT_NE(step["uses"].IsDefined(), step["run"].IsDefined()) << YAML::Dump(step);
    if (step["uses"]) {
      EXPECT_TRUE(std::regex_match(step["uses"].as<std::string>(), std::regex("actions/[a-z-]+@v[0-9]+")));
    }
  }
}

TEST(workflow, what_it_asks_of_setup_is_there) {
  const auto help = run_command({"/bin/bash", (kSource / "scripts/setup").string(), "--help"});
  EXPECT_NE(help.out.find("--target NAME"), std::string::npos);
  EXPECT_NE(help.out.find("`attest`"), std::string::npos);
}

TEST(workflow, a_right_kernel_passes_and_leaves_every_report) {
  const Repository repository(example_kernel());
  const CommandOutcome outcome = repository.run_all();
  EXPECT_EQ(outcome.exit_code, 0) << outcome.out << outcome.err;
  EXPECT_TRUE(repository.content("summary.md").starts_with("### attest verify: passed")) << outcome.out;
  for (const std::string kind : {"html", "json", "xml"}) EXPECT_NE(repository.content("attest." + kind), "") << kind;
  EXPECT_TRUE(repository.content("path").ends_with("/attest/build/release/harness\n")) << repository.content("path");
}

TEST(workflow, a_wrong_kernel_fails_with_an_annotation_and_leaves_every_report) {
  const Repository repository(std::regex_replace(example_kernel(), std::regex("key <= token"), "key < token"));
  const CommandOutcome outcome = repository.run_all();
  EXPECT_EQ(outcome.exit_code, 1) << outcome.err;
  EXPECT_NE(outcome.out.find("::error title=attest "), std::string::npos) << outcome.out;
  EXPECT_NE(repository.content("summary.md").find("the causal bound is one too low"), std::string::npos);
  for (const std::string kind : {"html", "json", "xml"}) EXPECT_NE(repository.content("attest." + kind), "") << kind;
}

}  // namespace
}  // namespace attest::property_tests
