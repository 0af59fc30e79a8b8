#include "property_tests/document_commands.h"

#include <algorithm>
#include <regex>
#include <set>

#include "property_tests/markdown.h"
#include "property_tests/run_command.h"

namespace attest::property_tests {
namespace {

constexpr std::string_view kAnything = "...";

const std::set<std::string> kNotRun = {"c", "cmake", "cpp", "json", "python", "text", "yaml"};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

/// The lines of a block, with those that end with a backslash joined to the next.
std::vector<std::string> commands_of(const Fence& fence) {
  std::vector<std::string> commands;
  bool continued = false;
  for (const auto& line : fence.lines) {
    if (continued)
      commands.back() += "\n" + line;
    else if (!line.empty())
      commands.push_back(line);
    continued = line.ends_with('\\');
  }
  return commands;
}

class DocumentRun {
 public:
  DocumentRun(std::filesystem::path folder, std::map<std::string, std::string> environment)
      : folder_(std::move(folder)), environment_(std::move(environment)) {}

  void take(const Fence& fence) {
    if (fence.language == "sh")
      run(fence);
    else if (fence.language == "output")
      compare(fence);
    else if (!kNotRun.contains(fence.language))
      blame(fence, "the block does not say what it is");
  }

  std::vector<std::string> wrong;

 private:
  void run(const Fence& fence) {
    output_.clear();
    if (fence.note == "no-test" || fence.note == "no-test ") blame(fence, "no-test without a reason");
    const auto commands = commands_of(fence);
    if (fence.note.starts_with("no-test")) {
      for (const auto& command : commands) look_up(fence, command);
      return;
    }
    const bool may_fail = fence.note.starts_with("exits ");
    if (!fence.note.empty() && !may_fail) blame(fence, "unknown note '" + fence.note + "'");
    for (const auto& command : commands) {
      const bool fails = may_fail && &command == &commands.back();
      run(fence, command, fails ? std::stoi(fence.note.substr(6)) : 0);
    }
  }

  CommandOutcome in_folder(const std::string& command) const {
    return run_command({"/bin/bash", "-c", "cd '" + folder_.string() + "' && { " + command + "\n} </dev/null"},
                       environment_);
  }

  /// Of a command that is not run: its --help has to know every --option.
  void look_up(const Fence& fence, const std::string& command) {
    static const std::regex kProgram("^(scripts/[a-z]+|attest [a-z]+)"), kOption(" (--[a-z][a-z-]*)");
    std::smatch program;
    if (!std::regex_search(command, program, kProgram)) return;
    const CommandOutcome help = in_folder(program.str() + " --help");
    // The program's own help answers for a command that it does not have.
    const bool is_its_own = help.out.find(program.str()) != std::string::npos;
    if (help.exit_code != 0 || !is_its_own) blame(fence, "`" + program.str() + "` has no --help");
    for (std::sregex_iterator found(command.begin(), command.end(), kOption), none; found != none; ++found) {
      const std::string option = (*found)[1];
      if (help.out.find(option) == std::string::npos) blame(fence, program.str() + " does not know " + option);
    }
  }

  void run(const Fence& fence, const std::string& command, int expected) {
    const CommandOutcome outcome = in_folder(command);
    output_ += outcome.out;
    if (outcome.exit_code == expected) return;
    blame(fence, "`" + command + "` exits with " + std::to_string(outcome.exit_code) + ", not " +
                     std::to_string(expected) + ": " + outcome.err);
  }

  void compare(const Fence& fence) {
    const std::string shown = joined(fence.lines);
    if (!matches(output_, shown)) blame(fence, "shows\n" + shown + "but the commands print\n" + output_);
  }

  void blame(const Fence& fence, const std::string& reason) {
    wrong.push_back("line " + std::to_string(fence.line) + ": " + reason);
  }

  std::filesystem::path folder_;
  std::map<std::string, std::string> environment_;
  std::string output_;  ///< of the last block
};

}  // namespace

bool matches(std::string_view text, std::string_view pattern) {
  std::size_t gap = pattern.find(kAnything);
  if (gap == std::string_view::npos) return text == pattern;
  if (!text.starts_with(pattern.substr(0, gap))) return false;
  text.remove_prefix(gap);
  while (true) {
    pattern.remove_prefix(gap + kAnything.size());
    gap = pattern.find(kAnything);
    if (gap == std::string_view::npos) return text.ends_with(pattern);
    const std::string_view part = pattern.substr(0, gap);
    const std::size_t at = text.find(part);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + part.size());
  }
}

std::vector<std::string> wrong_commands(std::string_view document, const std::filesystem::path& folder,
                                        const std::map<std::string, std::string>& environment) {
  const Markdown parts = markdown(document);
  DocumentRun run(folder, environment);
  for (const auto& fence : parts.fences) run.take(fence);
  for (const auto line : parts.indented_commands) {
    run.wrong.push_back("line " + std::to_string(line) + ": a command outside of a fenced block is not run");
  }
  return run.wrong;
}

}  // namespace attest::property_tests
