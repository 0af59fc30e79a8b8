#pragma once

#include <string>

#include "harness/draw/drawn_case.h"

/// A draw as words on one line, and back: what a counterexample prints and `attest replay` reads.
namespace attest::harness {

/// "family=one_hot seed=7 s_x=17 mask=causal": every field that differs from CaseDraw's default.
std::string to_line(const CaseDraw& draw);

/// Throws InputError naming an unknown or repeated key, or a value that is none. Parts that do not fit together are
/// left to nearest_valid.
CaseDraw draw_from_line(const std::string& line);

}  // namespace attest::harness
