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

  /// Lays the buffers out, with canaries in what is left of their pages, and fills those to read, which nobody can
  /// change from then on. `call` is borrowed. Throws std::runtime_error if there is no memory.
  CallArena(const LibraryCall& call, Placement placement);

  /// Makes the memory ready for a call, the first or a repetition: `before` where the library is to write.
  void begin(Before before);

  const LibraryCall& call() const { return call_; }
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
  void place(Placement placement);
  void fill(const PlacedBuffer& buffer, const CallBuffer& source, Before before);
  void put_canaries(const PlacedBuffer& buffer);
  std::byte* region_of(const PlacedBuffer& buffer) const;
  std::byte* at(const PlacedBuffer& buffer) const { return region_of(buffer) + buffer.offset; }

  const LibraryCall& call_;
  std::vector<PlacedBuffer> buffers_;
  std::unique_ptr<SharedMemory> inputs_, results_;
};

}  // namespace attest::harness
