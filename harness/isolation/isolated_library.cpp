#include "harness/isolation/isolated_library.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <thread>
#include <vector>

#include "fixtures/error.h"
#include "harness/isolation/call_fields.h"
#include "harness/isolation/refusal.h"
#include "harness/isolation/worker_channel.h"
#include "harness/machine/interrupt.h"

extern char** environ;

namespace attest::harness {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

/// After so many, a library that hangs everywhere is not waited for again.
constexpr int kMostTimeOuts = 3;

[[noreturn]] void refuse(const fs::path& library, const std::string& why) {
  throw InputError("--implementation", "a shared library that exports attest_get_implementation",
                   library.string() + ": " + why);
}

[[noreturn]] void fail(const std::string& sentence) { throw NoAnswer(Status::failed, sentence); }

/// Starts `attest worker` with `socket` as its channel; what is printed goes to `output`.
pid_t spawn_worker(const Isolation& isolation, const fs::path& library, const std::string& option, int socket,
                   int output) {
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&files, output, STDERR_FILENO);
  posix_spawn_file_actions_adddup2(&files, socket, kWorkerChannel);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);  // Ctrl-C is the harness's
  const char* command = isolation.command.c_str();
  std::vector<const char*> arguments = {command, "worker"};
  for (const fs::path& hidden : isolation.hidden) arguments.insert(arguments.end(), {"--hidden", hidden.c_str()});
  arguments.insert(arguments.end(), {"--", library.c_str(), option.c_str(), nullptr});
  pid_t worker = -1;
  const int error =
      ::posix_spawn(&worker, command, &files, &attributes, const_cast<char* const*>(arguments.data()), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&files);
  if (error != 0) throw InputError("worker", "the attest command", std::string(command) + ": " + std::strerror(error));
  return worker;
}

std::string sentence_of_end(int status) {
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) return "tried what no library may, with its signals blocked";
  if (WIFSIGNALED(status)) {
    return fmt::format("crashed with signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("exited with {}", WEXITSTATUS(status));
}

/// The worker's answer, if it is one.
template <class Parse>
auto parsed(const std::string& text, Parse parse) {
  try {
    return parse(text);
  } catch (const std::exception&) {
    fail("its process sent something that is no answer");
  }
}

/// What a call that came back means.
LibraryAnswer answer_of(const CallArena& arena, const CallReply& reply) {
  if (const std::string damage = arena.damage(); !damage.empty()) fail(damage);
  const std::string words = printable(arena.message());
  if (reply.status == ATTEST_UNSUPPORTED) {
    throw NoAnswer(Status::skipped, words.empty() ? "the library does not support this call" : words, Gap::declared);
  }
  if (reply.status != ATTEST_DONE) {
    fail(fmt::format("returned {}: {}", reply.status, words.empty() ? "without a message" : words));
  }
  LibraryAnswer answer;
  for (const auto& buffer : arena.library_writes()) {
    const bool optional = buffer.name.starts_with(name_of(&attest_layer::stages));
    if (optional && std::ranges::find(reply.given, buffer.name) == reply.given.end()) continue;
    answer.emplace(buffer.name, arena.content(buffer));
  }
  return answer;
}

}  // namespace

IsolatedLibrary::IsolatedLibrary(fs::path library, std::string option, const Isolation& isolation)
    : library_(std::move(library)), option_(std::move(option)), isolation_(isolation) {
  try {
    start();
  } catch (const NoAnswer& none) {
    refuse(library_, "while it was loaded it " + std::string(none.what()));
  }
}

IsolatedLibrary::~IsolatedLibrary() { stop(); }

void IsolatedLibrary::stop() {
  if (socket_ >= 0) ::close(socket_);
  socket_ = -1;
  if (worker_ <= 0) return;
  ::kill(-worker_, SIGKILL);  // with everything that the library may have started
  ::kill(worker_, SIGKILL);   // and if it left its group
  ::waitpid(worker_, nullptr, 0);
  worker_ = -1;
}

void IsolatedLibrary::start() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) fail("no socket for its process");
  socket_ = ends[0];
  try {
    const int output = isolation_.show_output ? STDERR_FILENO : last_words_.descriptor();
    worker_ = spawn_worker(isolation_, library_, option_, ends[1], output);
  } catch (...) {
    ::close(ends[1]);
    stop();
    throw;
  }
  ::close(ends[1]);
  const Greeting greeting = parsed(next_message(), greeting_from_text);
  if (!greeting.problem.empty()) {
    stop();
    refuse(library_, greeting.problem);
  }
  offers_ = {greeting.offers.begin(), greeting.offers.end()};
  declaration_ = declaration_of(greeting.declared);
  confinement_ = greeting.confinement;
}

/// How the worker ended by itself. Its channel is closed, so it has or is about to, unless the library closed that.
std::string IsolatedLibrary::how_it_ended() {
  using namespace std::chrono_literals;
  for (int patience = 0; patience < 1000; ++patience) {
    int status = 0;
    if (::waitpid(worker_, &status, WNOHANG) == worker_) {
      ::kill(-worker_, SIGKILL);
      worker_ = -1;
      return sentence_of_end(status);
    }
    std::this_thread::sleep_for(1ms);
  }
  return "closed the connection of its process to the harness";
}

/// Throws NoAnswer, or Interrupted, with the worker stopped, if there is none.
std::string IsolatedLibrary::next_message() {
  if (!wait_for_message(socket_, Clock::now() + isolation_.time_limit)) {
    stop();
    stop_if_interrupted();
    ++time_outs_;
    fail(fmt::format("gave no answer within {} s", isolation_.time_limit.count()));
  }
  if (auto message = receive_message(socket_)) {
    for (const int sent : {message->memory.inputs, message->memory.results}) {
      if (sent >= 0) ::close(sent);  // by the library: nothing that is asked for
    }
    const std::string refusal = refusal_in(message->text);
    if (refusal.empty()) return std::move(message->text);
    stop();
    fail(refusal);
  }
  const std::string end = how_it_ended(), words = last_words_.lines();
  stop();
  fail(words.empty() ? end : fmt::format("{}, last printed {}", end, words));
}

LibraryAnswer IsolatedLibrary::call(CallArena& arena, int threads, Before before) {
  if (time_outs_ >= kMostTimeOuts)
    fail(fmt::format("was not called again after {} calls without an answer", time_outs_));
  if (worker_ < 0) start();
  arena.begin(before);
  last_words_.forget();
  const CallRequest request{arena.call().function, threads, arena.call().numbers, arena.call().same, arena.buffers()};
  send_message(socket_, to_text(request), arena.memory());
  CallReply reply;
  try {
    reply = parsed(next_message(), reply_from_text);
  } catch (const NoAnswer& none) {
    stop();
    const std::string fault = arena.fault();
    fail(none.what() + (fault.empty() ? "" : ": " + fault));
  }
  if (!reply.problem.empty()) fail("could not be called: " + reply.problem);
  if (!reply.changed.empty()) {
    stop();  // what it left would stay for the calls that follow
    fail(reply.changed);
  }
  return answer_of(arena, reply);
}

}  // namespace attest::harness
