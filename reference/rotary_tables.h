#pragma once

#include <cstdint>

#include "fixtures/case.h"

namespace attest::reference {

/// The tables that torchtune's rope_init builds on a CPU, for positions 0..rows-1, in float32 step by step as torch
/// does: double precision would miss torchtune's cosine by up to 1.3e-3 at long positions, where the rounding of the
/// float32 angle is 0.004 rad. theta has torch's bits but for three known elements (property_tests/rotary_tables.cpp);
/// cos and sin are correctly rounded and torch's lie within 2 ulp of them. Throws InputError for NoPosEmbeddings, or if
/// `rows` is not from 1 to max_seq_len.
RotaryTables build_rotary_tables(const PosEmbeddings& embedding, std::int64_t rows);

}  // namespace attest::reference
