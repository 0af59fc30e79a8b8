#pragma once

#include <cstdint>
#include <span>

#include "fixtures/case.h"

namespace attest::reference {

/// The tables that torchtune's rope_init builds on a CPU, for positions 0..rows-1, in float32 step by step as torch
/// does: double precision would miss torchtune's cosine by up to 1.3e-3 at long positions, where the rounding of the
/// float32 angle is 0.004 rad. theta has torch's bits but for three known elements (property_tests/rotary_tables.cpp);
/// cos and sin are correctly rounded and torch's lie within 2 ulp of them. Throws InputError for NoPosEmbeddings, or if
/// `rows` is not from 1 to max_seq_len.
RotaryTables build_rotary_tables(const PosEmbeddings& embedding, std::int64_t rows);

/// The same from given frequencies.
RotaryTables rotary_tables_of(std::span<const float> theta, std::int64_t rows);

/// How far torch's theta may be from ours, float64 [dim/2]: its float32 power is within an ulp of the rounded double,
/// and the reciprocal, and Llama3ScaledRoPE's scaling, make of that what they do.
Tensor theta_budget(const PosEmbeddings& embedding);

/// How far torch's cosine or sine may be from ours: 2 ulp of a number below 1. Absolutely, since near a zero of the
/// function torch's argument reduction is no better.
inline constexpr double kCosineBudget = 0x1p-23;

}  // namespace attest::reference
