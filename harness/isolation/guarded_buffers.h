#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "harness/isolation/call_message.h"
#include "harness/isolation/worker_channel.h"

/// The memory of one call in the worker: every buffer's pages between inaccessible ones, inputs read-only.
namespace attest::harness {

class GuardedBuffers {
 public:
  /// Maps the buffers; until the destruction, a fault in or beside one of them is noted in the first page of the
  /// results. From then until some calls later, an access to them ends the process with a sentence. Throws
  /// std::runtime_error. Takes over neither argument; both must outlive this.
  GuardedBuffers(const CallMemory& memory, const std::vector<PlacedBuffer>& buffers);
  ~GuardedBuffers();
  GuardedBuffers(const GuardedBuffers&) = delete;
  GuardedBuffers& operator=(const GuardedBuffers&) = delete;

  void* data(std::size_t index) const { return mapped_[index].data; }

  struct Mapped {
    std::byte* reserved = nullptr;  ///< guard, region, guard
    std::size_t reserved_bytes = 0;
    std::byte* data = nullptr;
    std::size_t bytes = 0;
  };
  const std::vector<Mapped>& mapped() const { return mapped_; }
  FaultNote* note() const { return note_; }

 private:
  void map(const CallMemory& memory, const PlacedBuffer& buffer, std::byte* reserved);
  void unmap();

  std::span<std::byte> addresses_;  ///< of all buffers and their guards
  std::vector<Mapped> mapped_;
  FaultNote* note_ = nullptr;
};

}  // namespace attest::harness
