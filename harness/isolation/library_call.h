#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "fixtures/tensor.h"

/// One call of a function of the C interface (attest_implementation.h) as plain values, before it has a place in
/// memory.
namespace attest::harness {

enum class Access { read, write, update };

struct CallBuffer {
  std::string name;  ///< the field's name, "q", "out"; of a layer also "weights/q_proj.weight" and "stages/q_rope"
  Access access = Access::read;
  DType dtype = DType::float32;
  Shape shape;
  const Tensor* content = nullptr;  ///< borrowed; null where the library is only to write

  std::size_t bytes() const { return static_cast<std::size_t>(element_count(shape)) * size_of(dtype); }
};

/// The fields that are no tensors, by their names, each in the kind that it has in the C struct.
template <class Kind>
using NumbersOf = std::map<std::string, Kind>;
using Numbers = std::tuple<NumbersOf<std::int64_t>, NumbersOf<std::int32_t>, NumbersOf<double>>;

/// The names are those of call_fields.h.
struct LibraryCall {
  std::string function;
  std::vector<CallBuffer> buffers = {};
  Numbers numbers = {};
  std::map<std::string, std::string> same = {};  ///< y: x, a tensor that is another field's too
};

/// A number that depends on the call's contents alone, so that a call made again meets the same alignments and threads.
std::size_t seed_of(const LibraryCall& call);

/// What the library wrote, by the buffers' names: outputs, updated caches, and the stages that it gave.
using LibraryAnswer = std::map<std::string, Tensor>;

/// Where in its pages each buffer lies.
///   flush_end:   its last byte is the last of a page, before an inaccessible one
///   flush_begin: its first byte is the first of a page, after an inaccessible one
///   shifted:     0 to 63 bytes after the first of a page, in steps of its element
enum class Placement { flush_end, flush_begin, shifted };

/// What the library finds where it is to write: the payload of unwritten.h, a NaN, or a finite number.
enum class Before { unwritten, finite };

}  // namespace attest::harness
