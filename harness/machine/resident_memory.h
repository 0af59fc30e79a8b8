#pragma once

#include <cstdint>
#include <functional>
#include <optional>

namespace attest::harness {

/// Bytes by which this process's resident memory grew, at its peak, while `work` ran. What was freed before and is
/// still resident is given back first: it would hide what the work takes. Empty where the kernel does not tell.
std::optional<std::int64_t> memory_growth(const std::function<void()>& work);

}  // namespace attest::harness
