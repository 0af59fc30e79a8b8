#pragma once

#include <stddef.h>

/// What kernels know of the time they take. Like kernels.h, this is compiled for every target: plain structs only.
namespace attest::optimized {

/// What the time of a call goes to.
enum class Part : unsigned char {
  checks,       ///< the way into the call, checks of its arguments, reading the mask, cutting up the work
  packing,      ///< rows of x, of the attention's output, and queries, as the tile product reads them
  projections,  ///< the products of q, k and v
  layout,       ///< out of product panels, with the bias, into what is read next: heads, keys, values, output
  rotary,
  norm,
  scores,   ///< Q K^T
  softmax,  ///< masks included
  values,   ///< P V, and the division by the sum of P
  output,   ///< the output projection's product
  waiting,  ///< threads for others
};
inline constexpr size_t kParts = size_t(Part::waiting) + 1;

/// One thread's clock: the time since it was last told so went to `part`. Null where nobody asked for times.
struct PartClock {
  void (*end_of)(PartClock& clock, Part part) noexcept;
};

}  // namespace attest::optimized
