#pragma once

#include <chrono>
#include <functional>

#include "harness/draw/drawn_case.h"

namespace attest::harness {

/// The simplest draw on the way from `failing` towards CaseDraw's defaults that still fails: fields are set to their
/// defaults, halved, counted down, as long as there is time. `fits` makes a draw one that may be asked.
CaseDraw shrunk(const CaseDraw& failing, const std::function<CaseDraw(CaseDraw)>& fits,
                const std::function<bool(const CaseDraw&)>& still_fails, std::chrono::milliseconds time);

}  // namespace attest::harness
