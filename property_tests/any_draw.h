#pragma once

#include <rapidcheck.h>

#include "harness/drawn_case.h"

namespace attest::property_tests {

/// Valid draws small enough for hundreds of them: most have a few tokens, some as many as a vector, a tile or a block
/// of keys and one more or less. They shrink field by field towards CaseDraw's defaults; the seed stays.
rc::Gen<harness::CaseDraw> any_draw();

}  // namespace attest::property_tests
