#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

#include "harness/report/progress.h"
#include "property_tests/run_command.h"
#include "property_tests/scratch_folder.h"

/// What a person at a terminal sees: how far long work has come, in colour where that is wanted; and that nothing of it
/// reaches a pipe.
namespace attest::property_tests {
namespace {

using harness::progress_line;
using Words = std::vector<std::string>;
using Environment = std::map<std::string, std::string>;

const Environment kAtHome = {{"TERM", "xterm"}, {"CI", ""}, {"NO_COLOR", ""}};

constexpr auto kWipe = "\r\033[K";

/// A little of each kind of long work.
const std::vector<Words> kLongWork = {
    {ATTEST_COMMAND, "verify", "heads", "--implementation", "reference"},
    {ATTEST_COMMAND, "selftest", "--bug", "heads_tiled", "--bug", "stale_v"},
    {ATTEST_COMMAND, "profile", "--layer", "tiny", "--work", "prefill:4,decode:8", "--repetitions", "3"}};

Environment with(Environment environment, const std::string& name, const std::string& value) {
  environment[name] = value;
  return environment;
}

/// Every progress line that the terminal was sent.
Words progress_lines(const std::string& sent) {
  static const std::regex kLine(R"(\r\x1b\[K(\[=* *\] [^\r\n\x1b]*))");
  Words lines;
  for (std::sregex_iterator found(sent.begin(), sent.end(), kLine), none; found != none; ++found) {
    lines.push_back((*found)[1]);
  }
  return lines;
}

bool has_colour(const std::string& text) { return text.find("\033[3") != std::string::npos; }

std::string last_line(const std::string& text) {
  const auto end = text.find_last_not_of("\r\n");
  const auto begin = text.find_last_of('\n', end);
  return text.substr(begin + 1, end - begin);
}

// --- the line ------------------------------------------------------------------------------------------------------

TEST(terminal, the_time_left_follows_from_the_share_that_is_done) {
  EXPECT_EQ(progress_line(0.25, 10.0, "1/4 one", 80), "[=====               ]  25 %  0:30 left  1/4 one");
  EXPECT_EQ(progress_line(0.5, 3900.0, "", 80), "[==========          ]  50 %  1:05:00 left  ");
  EXPECT_EQ(progress_line(1.0, 5.0, "", 80), "[====================] 100 %  0:00 left  ");
}

TEST(terminal, nothing_is_said_about_the_time_left_before_anything_is_done) {
  EXPECT_EQ(progress_line(0.0, 3.0, "1/4 one", 80), "[                    ]   0 %    1/4 one");
}

TEST(terminal, a_progress_line_is_never_longer_than_the_terminal) {
  for (const std::size_t columns : {0, 1, 20, 40}) {
    EXPECT_EQ(progress_line(0.3, 9.0, std::string(100, 'x'), columns).size(), columns);
  }
}

// --- the command ---------------------------------------------------------------------------------------------------

TEST(terminal, long_work_shows_its_progress_and_wipes_it) {
  for (const auto& words : kLongWork) {
    const CommandOutcome outcome = run_in_terminal(words, kAtHome);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
    const Words lines = progress_lines(outcome.out);
    ASSERT_GE(lines.size(), 2u) << outcome.out;
    EXPECT_NE(lines.back().find(" left  "), std::string::npos) << lines.back();
    const auto after_the_last = outcome.out.rfind(lines.back()) + lines.back().size();
    EXPECT_EQ(outcome.out.substr(after_the_last).find(kWipe), 0u) << "the last progress line is still there";
    EXPECT_TRUE(last_line(outcome.out).starts_with("\033[32mpassed\033[0m: ")) << last_line(outcome.out);
  }
}

TEST(terminal, a_pipe_sees_neither_progress_nor_colour) {
  for (const auto& words : kLongWork) {
    const CommandOutcome outcome = run_command(words, kAtHome);
    EXPECT_EQ(outcome.exit_code, 0) << outcome.out;
    EXPECT_EQ(outcome.err, "");
    EXPECT_EQ(outcome.out.find_first_of("\r\033"), std::string::npos) << outcome.out;
    EXPECT_TRUE(last_line(outcome.out).starts_with("passed: ")) << last_line(outcome.out);
  }
}

TEST(terminal, a_narrow_terminal_is_not_overrun) {
  for (const auto& line : progress_lines(run_in_terminal(kLongWork[0], kAtHome, {.columns = 40, .typed = ""}).out)) {
    EXPECT_LE(line.size(), 39u) << line;
  }
}

/// The longest line about a case of heads/ in a terminal of this width.
std::size_t longest_line(const Words& words, unsigned short columns) {
  const CommandOutcome outcome =
      run_in_terminal(words, with(kAtHome, "NO_COLOR", "1"), {.columns = columns, .typed = ""});
  std::istringstream lines(outcome.out);
  std::size_t longest = 0;
  for (std::string line; std::getline(lines, line);) {
    if (const auto wiped = line.rfind(kWipe); wiped != std::string::npos)
      line.erase(0, wiped + std::string(kWipe).size());
    if (line.starts_with("heads/")) longest = std::max(longest, line.find_last_not_of("\r") + 1);
  }
  return longest;
}

TEST(terminal, the_lines_of_a_table_are_not_broken_by_a_narrow_terminal) {
  for (const Words& words : {Words{ATTEST_COMMAND, "verify", "heads"}, {ATTEST_COMMAND, "fixtures", "list", "heads"}}) {
    const std::size_t narrow = longest_line(words, 60), wide = longest_line(words, 300);
    EXPECT_GT(narrow, 40u);
    EXPECT_LE(narrow, 60u);
    EXPECT_GT(wide, 60u);
  }
}

TEST(terminal, no_color_takes_the_colour_away_and_leaves_the_progress) {
  const CommandOutcome outcome = run_in_terminal(kLongWork[0], with(kAtHome, "NO_COLOR", "1"));
  EXPECT_FALSE(has_colour(outcome.out)) << outcome.out;
  EXPECT_FALSE(progress_lines(outcome.out).empty()) << outcome.out;
}

TEST(terminal, a_dumb_terminal_gets_plain_text) {
  const CommandOutcome outcome = run_in_terminal(kLongWork[0], with(kAtHome, "TERM", "dumb"));
  EXPECT_EQ(outcome.out.find('\033'), std::string::npos) << outcome.out;
  EXPECT_TRUE(last_line(outcome.out).starts_with("passed: ")) << last_line(outcome.out);
}

TEST(terminal, a_ci_job_with_a_terminal_gets_no_progress) {
  const CommandOutcome outcome = run_in_terminal(kLongWork[0], with(kAtHome, "CI", "true"));
  EXPECT_TRUE(progress_lines(outcome.out).empty()) << outcome.out;
  EXPECT_TRUE(has_colour(outcome.out)) << outcome.out;
}

TEST(terminal, the_columns_of_a_list_are_aligned) {
  const CommandOutcome outcome = run_command({ATTEST_COMMAND, "fixtures", "list", "real_layers/*"});
  std::set<std::size_t> columns;
  std::istringstream lines(outcome.out);
  for (std::string line; std::getline(lines, line);) {
    if (const auto at = line.find(" real_layer "); at != std::string::npos) columns.insert(at);
  }
  EXPECT_EQ(columns.size(), 1u) << outcome.out;
}

}  // namespace
}  // namespace attest::property_tests
