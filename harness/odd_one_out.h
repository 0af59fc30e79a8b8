#pragma once

#include "harness/library_call.h"

namespace attest::harness {

/// Of three answers to one question, element by element: the value that two or three of them agree on by bits or, where
/// one differs, the one farthest from the middle. So a single wrong answer is never outvoted. A NaN is farthest of all.
LibraryAnswer odd_one_out(const LibraryAnswer& a, const LibraryAnswer& b, const LibraryAnswer& c);

}  // namespace attest::harness
