#pragma once

#include <cstdint>
#include <optional>

namespace attest::harness {

/// An access that an instruction refuses because of its address. The processor reports that as a general fault without
/// an address, so both are read from the instruction itself.
struct MisalignedAccess {
  std::uintptr_t address;
  int alignment;  ///< that the instruction needs
};

/// Of the vector instruction at which a signal came, if its operand in memory is misaligned. Safe in a signal handler.
/// Nothing on another processor than x86-64.
std::optional<MisalignedAccess> misaligned_access(const void* context) noexcept;

}  // namespace attest::harness
