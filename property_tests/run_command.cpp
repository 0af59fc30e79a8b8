#include "property_tests/run_command.h"

#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace attest::property_tests {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

/// A nameless file takes the output, so that neither stream can fill a pipe and block.
File scratch_file() {
  File file(std::tmpfile(), &std::fclose);
  if (!file) throw std::runtime_error("cannot create a temporary file");
  return file;
}

std::string content_of(std::FILE* file) {
  std::rewind(file);
  std::string text;
  std::array<char, 4096> buffer;
  for (std::size_t count; (count = std::fread(buffer.data(), 1, buffer.size(), file)) > 0;) {
    text.append(buffer.data(), count);
  }
  return text;
}

[[noreturn]] void become(const std::vector<std::string>& arguments,
                         const std::map<std::string, std::string>& environment) {
  for (const auto& [name, value] : environment) ::setenv(name.c_str(), value.c_str(), 1);
  std::vector<char*> argv;
  for (const auto& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  ::execv(argv[0], argv.data());
  ::_exit(127);
}

/// Waits for the child. 128 + signal if it was killed.
int exit_code_of(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child) throw std::runtime_error("lost a child process");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

CommandOutcome run_command(const std::vector<std::string>& arguments,
                           const std::map<std::string, std::string>& environment) {
  const File out = scratch_file();
  const File err = scratch_file();
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(::fileno(out.get()), STDOUT_FILENO);
    ::dup2(::fileno(err.get()), STDERR_FILENO);
    become(arguments, environment);
  }
  if (child < 0) throw std::runtime_error("cannot run " + arguments.front());
  CommandOutcome outcome;
  outcome.exit_code = exit_code_of(child);
  outcome.out = content_of(out.get());
  outcome.err = content_of(err.get());
  return outcome;
}

CommandOutcome run_in_terminal(const std::vector<std::string>& arguments,
                               const std::map<std::string, std::string>& environment, const Terminal& terminal) {
  const winsize size = {.ws_row = 24, .ws_col = terminal.columns, .ws_xpixel = 0, .ws_ypixel = 0};
  int user = -1;  // our end of the line
  const pid_t child = ::forkpty(&user, nullptr, nullptr, &size);
  if (child == 0) become(arguments, environment);
  if (child < 0) throw std::runtime_error("no pseudo terminal for " + arguments.front());
  CommandOutcome outcome;
  std::string typed = terminal.typed;
  const auto type_in_time = [&] {
    if (outcome.out.find(terminal.after) == std::string::npos) return;
    const auto count = ::write(user, typed.data(), typed.size());
    if (count != static_cast<ssize_t>(typed.size())) throw std::runtime_error("a terminal that takes no input");
    typed.clear();
  };
  type_in_time();
  std::array<char, 4096> buffer;
  // The end of the last process that writes there reads as an error, not as the end of a file.
  for (ssize_t count; (count = ::read(user, buffer.data(), buffer.size())) > 0;) {
    outcome.out.append(buffer.data(), static_cast<std::size_t>(count));
    if (!typed.empty()) type_in_time();
  }
  ::close(user);
  outcome.exit_code = exit_code_of(child);
  return outcome;
}

}  // namespace attest::property_tests
