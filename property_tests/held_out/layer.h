#pragma once

#include "property_tests/held_out/held_out.h"

/// Everything but attention, the same for every design.
namespace attest::held_out {

void multiply(const attest_linear& call);
void rotate(const attest_rotary& call);
void normalise(const attest_norm& call);
void forward(const attest_layer& call);

}  // namespace attest::held_out
