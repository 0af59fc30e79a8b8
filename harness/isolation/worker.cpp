#include "harness/isolation/worker.h"

#include <dlfcn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <exception>

#include "harness/isolation/worker_call.h"
#include "harness/isolation/worker_channel.h"

namespace attest::harness {
namespace {

/// Ends with the harness, whatever the library is doing then, and leaves no core file behind.
void stay_a_good_neighbour() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
}

using GetImplementation = decltype(&attest_get_implementation);

std::string what_is_wrong_with(const attest_implementation* implementation, const std::string& option) {
  const std::string wanted = "version " + std::to_string(ATTEST_ABI_VERSION) + " of the interface";
  if (implementation == nullptr) {
    return option.empty() ? "one that does not know " + wanted
                          : "one that does not know " + wanted + " or the option \"" + option + "\"";
  }
  if (implementation->abi_version != ATTEST_ABI_VERSION) {
    return "one of version " + std::to_string(implementation->abi_version);
  }
  if (implementation->struct_size < sizeof *implementation) return "one whose struct_size is too small for " + wanted;
  return "";
}

Greeting greeting_of(const attest_implementation& implementation) {
  Greeting greeting;
  greeting.claims = implementation.claims;
  if (implementation.linear != nullptr) greeting.offers.push_back("linear");
  if (implementation.rotary != nullptr) greeting.offers.push_back("rotary");
  if (implementation.norm != nullptr) greeting.offers.push_back("norm");
  if (implementation.attention != nullptr) greeting.offers.push_back("attention");
  if (implementation.layer != nullptr) greeting.offers.push_back("layer");
  if (greeting.offers.empty()) greeting.problem = "one that offers no function at all";
  return greeting;
}

/// Loads the library and fills the greeting; null with the problem in it.
const attest_implementation* load(const std::string& library, const std::string& option, Greeting& greeting) {
  void* handle = ::dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    greeting.problem = ::dlerror();
    return nullptr;
  }
  const auto get = reinterpret_cast<GetImplementation>(::dlsym(handle, "attest_get_implementation"));
  if (get == nullptr) {
    greeting.problem = "one without the symbol attest_get_implementation";
    return nullptr;
  }
  const attest_implementation* implementation = get(ATTEST_ABI_VERSION, option.c_str());
  greeting.problem = what_is_wrong_with(implementation, option);
  if (!greeting.problem.empty()) return nullptr;
  greeting = greeting_of(*implementation);
  return greeting.problem.empty() ? implementation : nullptr;
}

CallReply answer(const attest_implementation& implementation, const Message& message) {
  const CallRequest request = request_from_text(message.text);
  const GuardedBuffers buffers(message.descriptor, request.buffers);
  return make_call(implementation, request, buffers);
}

}  // namespace

int run_worker(int socket, const std::string& library, const std::string& option) {
  stay_a_good_neighbour();
  Greeting greeting;
  const attest_implementation* implementation = load(library, option, greeting);
  if (!send_message(socket, to_text(greeting)) || implementation == nullptr) return 0;
  while (const auto message = receive_message(socket)) {
    const CallReply reply = answer(*implementation, *message);
    ::close(message->descriptor);
    if (!send_message(socket, to_text(reply))) break;
  }
  return 0;
}

}  // namespace attest::harness
