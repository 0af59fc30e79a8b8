#pragma once

#include <cstdint>

#include "fixtures/case.h"

namespace attest::harness {

/// A 64-bit mix of a tensor's bytes.
std::uint64_t fingerprint_of(const Tensor& tensor);

/// A 64-bit mix of every byte that an implementation may read: weights, tables, the inputs of every step and the
/// recorded stages. T0 demands that it is the same after an implementation has run. Fast rather than cryptographic: it
/// guards against a stray write, not against malice.
std::uint64_t fingerprint_of_inputs(const Case& item);

}  // namespace attest::harness
