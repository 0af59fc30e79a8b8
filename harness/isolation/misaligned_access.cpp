#include "harness/isolation/misaligned_access.h"

#include <ucontext.h>

#include <cstring>

namespace attest::harness {

#if defined(__x86_64__)
namespace {

using Byte = unsigned char;

/// The registers by their number in an instruction.
constexpr int kRegisters[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/// What stands before the byte that says where the operand is.
struct Prefix {
  const Byte* operand = nullptr;  ///< ModRM
  int vector_bytes = 16;
  int base = 0, index = 0;    ///< 8 for the upper half of the registers
  int displacement_unit = 1;  ///< of a displacement in one byte
};

/// 0F xx, with REX and 66, F2, F3 before it: SSE, whose operands are 16 bytes.
std::optional<Prefix> sse(const Byte* at) {
  Prefix prefix;
  while (*at == 0x66 || *at == 0xF2 || *at == 0xF3) ++at;
  if ((*at & 0xF0) == 0x40) {
    prefix.base = (*at & 1) != 0 ? 8 : 0;
    prefix.index = (*at & 2) != 0 ? 8 : 0;
    ++at;
  }
  if (*at++ != 0x0F) return std::nullopt;
  if (*at == 0x38 || *at == 0x3A) ++at;
  prefix.operand = at + 1;
  return prefix;
}

/// AVX, in the short form and the long one.
std::optional<Prefix> vex(const Byte* at) {
  Prefix prefix;
  if (*at != 0xC5 && *at != 0xC4) return std::nullopt;
  const bool is_long = *at == 0xC4;
  if (is_long) {
    prefix.base = (at[1] & 0x20) == 0 ? 8 : 0;
    prefix.index = (at[1] & 0x40) == 0 ? 8 : 0;
  }
  prefix.vector_bytes = (at[is_long ? 2 : 1] & 0x04) != 0 ? 32 : 16;
  prefix.operand = at + (is_long ? 4 : 3);
  return prefix;
}

/// AVX-512
std::optional<Prefix> evex(const Byte* at) {
  if (*at != 0x62) return std::nullopt;
  Prefix prefix;
  prefix.base = (at[1] & 0x20) == 0 ? 8 : 0;
  prefix.index = (at[1] & 0x40) == 0 ? 8 : 0;
  prefix.vector_bytes = 16 << ((at[3] >> 5) & 3);
  prefix.displacement_unit = prefix.vector_bytes;
  prefix.operand = at + 5;
  return prefix;
}

std::uintptr_t value(const gregset_t& registers, int number) {
  return static_cast<std::uintptr_t>(registers[kRegisters[number]]);
}

/// The address of the operand; nothing if it is a register.
std::optional<std::uintptr_t> address_of(const Prefix& prefix, const gregset_t& registers) {
  const Byte* at = prefix.operand;
  const int mode = *at >> 6, low = *at & 7;
  ++at;
  if (mode == 3 || (mode == 0 && low == 5)) return std::nullopt;  // a constant beside the code is the compiler's matter
  std::uintptr_t address = 0;
  bool wide = mode == 2;
  if (low == 4) {
    const int scale = *at >> 6, index = ((*at >> 3) & 7) + prefix.index, base = *at & 7;
    ++at;
    wide = wide || (mode == 0 && base == 5);
    if (mode != 0 || base != 5) address = value(registers, base + prefix.base);
    if (index != 4) address += value(registers, index) << scale;
  } else {
    address = value(registers, low + prefix.base);
  }
  if (wide) {
    std::int32_t displacement = 0;
    std::memcpy(&displacement, at, sizeof displacement);
    return address + static_cast<std::uintptr_t>(static_cast<std::intptr_t>(displacement));
  }
  const int displacement = mode == 1 ? static_cast<signed char>(*at) * prefix.displacement_unit : 0;
  return address + static_cast<std::uintptr_t>(static_cast<std::intptr_t>(displacement));
}

}  // namespace

std::optional<MisalignedAccess> misaligned_access(const void* context) noexcept {
  const auto& registers = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs;
  const auto* code = reinterpret_cast<const Byte*>(registers[REG_RIP]);
  auto prefix = vex(code);
  if (!prefix) prefix = evex(code);
  if (!prefix) prefix = sse(code);
  if (!prefix) return std::nullopt;
  const auto address = address_of(*prefix, registers);
  if (!address || *address % static_cast<unsigned>(prefix->vector_bytes) == 0) return std::nullopt;
  return MisalignedAccess{*address, prefix->vector_bytes};
}

#else

std::optional<MisalignedAccess> misaligned_access(const void*) noexcept { return std::nullopt; }

#endif

}  // namespace attest::harness
