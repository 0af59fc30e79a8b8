#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "fixtures/tensor.h"
#include "harness/isolation/declared_words.h"
#include "harness/isolation/library_call.h"
#include "harness/isolation/sandbox.h"

/// What the harness and its worker process say to each other: JSON, one message a line of thought.
namespace attest::harness {

/// A buffer's place in the shared memory: whole pages [region, region + region_bytes), and in them the tensor.
/// Inputs lie in one memory, all else in another, which the library may write.
struct PlacedBuffer {
  std::string name;
  Access access = Access::read;
  DType dtype = DType::float32;
  Shape shape;
  std::size_t region = 0;
  std::size_t region_bytes = 0;
  std::size_t offset = 0;  ///< of the first element, in its region
  std::size_t bytes = 0;   ///< of the tensor
};

/// Of the buffer that takes the library's words; every call has it beside those of its fields.
inline constexpr const char* kMessage = "message";

/// A LibraryCall that has its place in memory.
struct CallRequest {
  std::string function;
  int threads = 1;
  Numbers numbers;
  std::map<std::string, std::string> same;
  std::vector<PlacedBuffer> buffers;
};

struct CallReply {
  std::int32_t status = 0;         ///< enum attest_status, or whatever the library returned
  std::vector<std::string> given;  ///< names of the stages that it gave
  std::string changed;       ///< "left the rounding mode changed": what the call should not have; empty if nothing
  std::string problem = {};  ///< why the call was not made; empty if it was
};

/// The worker's first message, after it has loaded the library.
struct Greeting {
  std::string problem;  ///< why the library cannot be used; empty if it can
  std::vector<std::string> offers;
  DeclaredWords declared;
  Confinement confinement;
};

std::string to_text(const CallRequest& request);
std::string to_text(const CallReply& reply);
std::string to_text(const Greeting& greeting);

/// Throw std::exception for a text that is no such message.
CallRequest request_from_text(const std::string& text);
CallReply reply_from_text(const std::string& text);
Greeting greeting_from_text(const std::string& text);

/// Written by the worker's fault handler to the first page of the writable memory; zero until then.
struct FaultNote {
  enum class Where : std::int32_t { nowhere, before, inside, after };
  Where where;
  std::int32_t buffer;     ///< index into CallRequest::buffers
  std::int32_t wrote;      ///< 1: a write, 0: a read, -1: the processor does not say
  std::int32_t alignment;  ///< that the instruction needs and `address` has not; 0 if that is not why
  std::uint64_t address;
};

}  // namespace attest::harness
