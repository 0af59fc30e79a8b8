#include "harness/isolation/worker.h"

#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <cstddef>
#include <exception>

#include "fixtures/error.h"
#include "harness/isolation/call_fields.h"
#include "harness/isolation/process_state.h"
#include "harness/isolation/sandbox.h"
#include "harness/isolation/worker_call.h"
#include "harness/isolation/worker_channel.h"

namespace attest::harness {
namespace {

constexpr rlim_t kMostPrinted = 1 << 20;

/// Ends with the harness, whatever the library is doing then, leaves no core file behind, and prints no end of lines:
/// what is beyond the limit is lost, without a signal.
void stay_a_good_neighbour() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0}, printed{kMostPrinted, kMostPrinted};
  ::setrlimit(RLIMIT_CORE, &none);
  ::setrlimit(RLIMIT_FSIZE, &printed);
  std::signal(SIGXFSZ, SIG_IGN);
}

using GetImplementation = decltype(&attest_get_implementation);

/// As the first libraries know the struct: what comes after was appended.
constexpr std::size_t kFirstSize = offsetof(attest_implementation, score_storage);

std::string what_is_wrong_with(const attest_implementation* implementation, const std::string& option) {
  const std::string wanted = "version " + std::to_string(ATTEST_ABI_VERSION) + " of the interface";
  if (implementation == nullptr) {
    return option.empty() ? "one that does not know " + wanted
                          : "one that does not know " + wanted + " or the option \"" + option + "\"";
  }
  if (implementation->abi_version != ATTEST_ABI_VERSION) {
    return "one of version " + std::to_string(implementation->abi_version);
  }
  if (implementation->struct_size < kFirstSize) return "one whose struct_size is too small for " + wanted;
  const std::string unknown = unknown_word(words_of(*implementation));
  return unknown.empty() ? "" : "one that declares an unknown " + unknown;
}

Greeting greeting_of(const attest_implementation& implementation) {
  Greeting greeting;
  greeting.declared = words_of(implementation);
  visit_fields(implementation, [&](const char* name, auto function) {
    if (function != nullptr) greeting.offers.push_back(name);
  });
  if (greeting.offers.empty()) greeting.problem = "one that offers no function at all";
  return greeting;
}

/// Clang's OpenMP opens a file when it starts, which is too late in a call.
void start_openmp(void* library) {
  const auto start = reinterpret_cast<int (*)()>(::dlsym(library, "omp_get_max_threads"));
  if (start != nullptr) start();
}

/// Loads the library and fills the greeting; null with the problem in it.
const attest_implementation* load(const WorkerRequest& request, Greeting& greeting) {
  void* handle = ::dlopen(request.library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    greeting.problem = ::dlerror();
    return nullptr;
  }
  const auto get = reinterpret_cast<GetImplementation>(::dlsym(handle, "attest_get_implementation"));
  if (get == nullptr) {
    greeting.problem = "one without the symbol attest_get_implementation";
    return nullptr;
  }
  const attest_implementation* implementation = get(ATTEST_ABI_VERSION, request.option.c_str());
  start_openmp(handle);
  greeting.problem = what_is_wrong_with(implementation, request.option);
  if (!greeting.problem.empty()) return nullptr;
  greeting = greeting_of(*implementation);
  return greeting.problem.empty() ? implementation : nullptr;
}

CallReply answer(const attest_implementation& implementation, const Message& message) {
  const CallRequest request = request_from_text(message.text);
  const GuardedBuffers buffers(message.memory, request.buffers);
  ::close(message.memory.inputs);
  ::close(message.memory.results);
  static const ProcessState before;  // the first call: every one leaves it so, or is the last of this process
  CallReply reply;
  try {
    reply = make_call(implementation, request, buffers);
  } catch (const InputError& error) {
    reply.problem = error.what();
  }
  if (reply.changed.empty()) reply.changed = before.changed();
  return reply;
}

}  // namespace

int run_worker(int socket, const WorkerRequest& request) {
  stay_a_good_neighbour();
  Greeting greeting;
  const Confinement confinement = confine_to_one_process(request.hidden, request.library);
  const attest_implementation* implementation = load(request, greeting);
  greeting.confinement = confinement;
  if (const std::string shared = memory_shared_with_others(); !shared.empty() && implementation != nullptr) {
    greeting.problem = "one that keeps memory in common with others: " + shared;
    implementation = nullptr;
  }
  confine_to_memory(confinement);
  if (!send_message(socket, to_text(greeting)) || implementation == nullptr) return 0;
  while (const auto message = receive_message(socket)) {
    if (!send_message(socket, to_text(answer(*implementation, *message)))) break;
  }
  return 0;
}

}  // namespace attest::harness
