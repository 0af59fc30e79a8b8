#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "harness/isolation/call_message.h"
#include "harness/isolation/library_call.h"
#include "harness/isolation/shared_memory.h"
#include "harness/isolation/worker_channel.h"

/// The memory of one call, shared with the worker: the harness's side of it.
namespace attest::harness {

class CallArena {
 public:
  static constexpr std::size_t kMessageCapacity = 512;

  /// Lays the buffers out and fills them: contents of those to read, which nobody can change from then on; `before`
  /// where the library is to write; canaries in what is left of their pages. Throws std::runtime_error if there is no
  /// memory.
  CallArena(const LibraryCall& call, Placement placement, Before before = Before::unwritten);

  CallMemory memory() const { return {inputs_->descriptor(), results_->descriptor()}; }  ///< for the worker
  const std::vector<PlacedBuffer>& buffers() const { return buffers_; }

  /// "wrote past the end of `out`": a canary that is gone; empty if all are there.
  std::string damage() const;
  /// "read past the end of `q`": what the fault handler noted; empty if nothing.
  std::string fault() const;
  std::string message() const;  ///< the library's own words, made printable
  /// Those that the library may write, without its message.
  std::vector<PlacedBuffer> library_writes() const;
  Tensor content(const PlacedBuffer& buffer) const;

 private:
  void place(const LibraryCall& call, Placement placement);
  void fill(const CallBuffer& source, const PlacedBuffer& buffer, Before before);
  std::byte* region_of(const PlacedBuffer& buffer) const;
  std::byte* at(const PlacedBuffer& buffer) const { return region_of(buffer) + buffer.offset; }

  std::vector<PlacedBuffer> buffers_;
  std::unique_ptr<SharedMemory> inputs_, results_;
};

}  // namespace attest::harness
