#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "property_tests/file_content.h"
#include "property_tests/needed_program.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// What the program says about itself, in its help, its manual page and the shells' completion: all of it is made of
/// one text, so that each can be held against the others.
namespace attest::property_tests {
namespace {

namespace fs = std::filesystem;
using Words = std::vector<std::string>;

std::string printed(Words arguments) {
  arguments.insert(arguments.begin(), ATTEST_COMMAND);
  const CommandOutcome outcome = run_command(arguments);
  EXPECT_EQ(outcome.exit_code, 0) << outcome.err;
  return outcome.out;
}

Words lines_of(const std::string& text) {
  Words lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// What may come next, without the descriptions.
Words completed(Words words) {
  words.insert(words.begin(), {std::string("complete"), std::string("--")});
  Words found = lines_of(printed(words));
  for (auto& line : found) line.resize(line.find('\t'));
  return found;
}

/// "verify", ..., "fixtures", "fixtures list", ...: the words of each command.
std::vector<Words> commands() {
  std::vector<Words> all;
  for (const auto& name : completed({""})) {
    all.push_back({name});
    if (name != "fixtures") continue;
    for (const auto& action : completed({name, ""})) all.push_back({name, action});
  }
  return all;
}

Words with(Words words, const std::string& last) {
  words.push_back(last);
  return words;
}

std::string joined(const Words& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// --- help ----------------------------------------------------------------------------------------------------------

TEST(self_description, every_command_has_examples_of_itself_with_options_that_it_has) {
  ASSERT_GE(commands().size(), 10u);
  for (const auto& command : commands()) {
    const std::string help = printed(with(command, "--help"));
    const Words options = completed(with(command, "--"));
    std::size_t examples = 0;
    for (const auto& line : lines_of(help)) {
      EXPECT_TRUE(line.size() <= 80 || line.starts_with("  attest ")) << line;
      if (line.find(" attest " + joined(command)) == std::string::npos || !line.starts_with("  ")) continue;
      ++examples;
      static const std::regex kOption("--[a-z-]+");
      for (std::sregex_iterator found(line.begin(), line.end(), kOption), none; found != none; ++found) {
        EXPECT_NE(std::ranges::find(options, found->str()), options.end()) << line;
      }
    }
    EXPECT_GE(examples, 1u) << help;
  }
}

// --- manual page ---------------------------------------------------------------------------------------------------

TEST(self_description, the_manual_page_has_every_command_and_option) {
  const std::string page = std::regex_replace(content_of(ATTEST_MANUAL), std::regex(R"(\\-)"), "-");
  for (const auto& command : commands()) {
    const std::size_t section = page.find(".SS attest " + joined(command) + "\n");
    ASSERT_NE(section, std::string::npos) << joined(command);
    const std::string text = page.substr(section, page.find("\n.S", section + 1) - section);
    for (const auto& option : completed(with(command, "--"))) {
      EXPECT_NE(text.find(option), std::string::npos) << joined(command) << ' ' << option;
    }
    EXPECT_NE(text.find("\\fBattest " + joined(command)), std::string::npos) << "no example in\n" << text;
  }
}

TEST(self_description, groff_formats_the_manual_page_without_a_warning) {
  ATTEST_NEEDS_PROGRAM("groff");
  const CommandOutcome outcome = run_command({"/usr/bin/env", "groff", "-man", "-ww", "-Tutf8", ATTEST_MANUAL});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.err, "");
  EXPECT_NE(outcome.out.find("a glob over case names, one target"), std::string::npos) << outcome.out;
}

// --- completion ----------------------------------------------------------------------------------------------------

/// What the tab key makes of a line.
struct Completed {
  const char* typed;
  const char* line;
};

constexpr Completed kCompleted[] = {
    {"attest ver", "attest verify"},
    {"attest fixtures di", "attest fixtures diff"},
    {"attest verify --impl", "attest verify --implementation"},
    {"attest verify --implementation opt", "attest verify --implementation optimized"},
    {"attest verify --quiet --target sc", "attest verify --quiet --target scalar"},
    {"attest verify --target=sc", "attest verify --target=scalar"},
    {"attest verify heads/multi_h", "attest verify heads/multi_head"},
    {"attest fixtures show heads/multi_h", "attest fixtures show heads/multi_head"},
    {"attest profile --layer gem", "attest profile --layer gemma_2b"},
    {"attest profile --layer tiny,gem", "attest profile --layer tiny,gemma_2b"},
    {"attest selftest --bug heads_t", "attest selftest --bug heads_tiled"},
    {"attest verify --report ju", "attest verify --report junit="},
    {"attest verify --report json=earl", "attest verify --report json=earlier.json"},
    {"attest verify my_k", "attest verify my_kernel.so"},
};

/// Types each line in an interactive shell, then the tab key, then what prints the line instead of running it.
void expect_completion(const Words& shell, const std::string& preparation) {
  const ScratchFolder scratch;
  std::ofstream(scratch.path() / "earlier.json");
  std::ofstream(scratch.path() / "my_kernel.so");
  std::string typed = "cd '" + scratch.path().string() + "'\n" + preparation + "\n";
  const std::string to_the_beginning = "\001";
  for (const auto& one : kCompleted) typed += std::string(one.typed) + "\t" + to_the_beginning + "echo 'LINE:' \n";
  const std::string path = fs::path(ATTEST_COMMAND).parent_path().string() + ":" + std::getenv("PATH");
  const CommandOutcome outcome =
      run_in_terminal(shell, {{"TERM", "dumb"}, {"PATH", path}, {"EDITOR", ""}, {"VISUAL", ""}},
                      {.columns = 200, .typed = typed + "exit\n"});
  Words printed;
  for (const auto& line : lines_of(outcome.out)) {
    if (line.starts_with("LINE: ")) printed.push_back(line.substr(6, line.find_last_not_of(" \r") - 5));
  }
  ASSERT_EQ(printed.size(), std::size(kCompleted)) << outcome.out;
  for (std::size_t i = 0; i < printed.size(); ++i) EXPECT_EQ(printed[i], kCompleted[i].line) << outcome.out;
}

TEST(self_description, bash_completes_commands_options_and_their_values) {
  ATTEST_NEEDS_PROGRAM("bash");
  expect_completion({"/usr/bin/env", "bash", "--norc", "--noprofile", "-i"},
                    "source '" ATTEST_COMPLETION "/attest.bash'");
}

TEST(self_description, zsh_completes_commands_options_and_their_values) {
  ATTEST_NEEDS_PROGRAM("zsh");
  expect_completion({"/usr/bin/env", "zsh", "-f", "-i"},
                    "fpath=('" ATTEST_COMPLETION "' $fpath); autoload -Uz compinit; compinit -u -D");
}

TEST(self_description, what_is_for_the_program_itself_is_not_completed) {
  for (const std::string hidden : {"worker", "complete", "manual"}) {
    EXPECT_TRUE(completed({hidden}).empty());
    EXPECT_EQ(printed({"--help"}).find("\n  " + hidden), std::string::npos);
  }
}

}  // namespace
}  // namespace attest::property_tests
