#include "harness/isolation/worker_channel.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "harness/machine/interrupt.h"

namespace attest::harness {
namespace {

constexpr std::size_t kMostBytes = 1 << 17;

union ControlBuffer {
  cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(CallMemory))];
};

}  // namespace

bool send_message(int socket, const std::string& text, const CallMemory& memory) {
  iovec part{const_cast<char*>(text.data()), text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  if (memory.inputs >= 0) {
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof memory);
    std::memcpy(CMSG_DATA(header), &memory, sizeof memory);
  }
  ssize_t sent = -1;
  do {
    sent = ::sendmsg(socket, &message, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(text.size());
}

std::optional<Message> receive_message(int socket) {
  Message received;
  received.text.resize(kMostBytes);
  iovec part{received.text.data(), received.text.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  ControlBuffer control{};
  message.msg_control = control.bytes;
  message.msg_controllen = sizeof control.bytes;
  // Once it is told, once, that the other side ended without reading all, what that had said before can still be read.
  ssize_t count = -1;
  do {
    count = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && (errno == EINTR || errno == ECONNRESET));
  if (count <= 0) return std::nullopt;
  received.text.resize(static_cast<std::size_t>(count));
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_type == SCM_RIGHTS) {
    std::memcpy(&received.memory, CMSG_DATA(header), std::min(sizeof received.memory, header->cmsg_len - CMSG_LEN(0)));
  }
  return received;
}

bool wait_for_message(int socket, std::chrono::steady_clock::time_point deadline) {
  using namespace std::chrono;
  pollfd waiting{socket, POLLIN, 0};
  while (!interrupted()) {
    const auto left = ceil<milliseconds>(deadline - steady_clock::now()).count();
    if (left <= 0) return false;
    // In steps, because a Ctrl-C may arrive just before the wait begins.
    if (::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 1000))) > 0) return true;
  }
  return false;
}

}  // namespace attest::harness
