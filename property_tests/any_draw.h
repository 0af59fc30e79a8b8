#pragma once

#include <rapidcheck.h>

#include <iosfwd>

#include "harness/draw/drawn_case.h"
#include "harness/judge/implementation.h"

namespace attest::harness {
/// How rapidcheck shows a draw: as its line.
void showValue(const CaseDraw& draw, std::ostream& out);
}  // namespace attest::harness

namespace attest::property_tests {

/// Valid draws small enough for hundreds of them: most have a few tokens, some as many as a vector, a tile or a block
/// of keys and one more or less. They shrink field by field towards CaseDraw's defaults; the seed stays.
rc::Gen<harness::CaseDraw> any_draw();

/// Valid draws of an attention alone: up to 40 samples, hundreds of heads, thousands of keys, heads as wide as any.
rc::Gen<harness::CaseDraw> any_attention();

/// The draw in float32 where the implementation has a declared gap for its dtype.
harness::CaseDraw supported(const harness::Implementation& implementation, harness::CaseDraw draw);

}  // namespace attest::property_tests
