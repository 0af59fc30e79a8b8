#pragma once

#include <chrono>
#include <optional>
#include <string>

/// Messages between the harness and its worker process, over a socket that keeps their boundaries.
namespace attest::harness {

/// The descriptor at which a worker finds its end.
inline constexpr int kWorkerChannel = 3;

/// The memories of a call: their descriptors, on whichever side. Negative where a message comes with none.
struct CallMemory {
  int inputs = -1;
  int results = -1;
};

struct Message {
  std::string text;
  CallMemory memory;  ///< that came with it; the receiver closes it
};

/// Sends a text, and the memories with it unless they are negative. False if the other side is gone.
bool send_message(int socket, const std::string& text, const CallMemory& memory = {});

/// The next message; nothing if the other side is gone.
std::optional<Message> receive_message(int socket);

/// Whether there is a message to receive, or an end, before the deadline. False earlier after Ctrl-C.
bool wait_for_message(int socket, std::chrono::steady_clock::time_point deadline);

}  // namespace attest::harness
