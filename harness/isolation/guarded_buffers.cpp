#include "harness/isolation/guarded_buffers.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <utility>

#include "harness/isolation/misaligned_access.h"
#include "harness/isolation/refusal.h"

namespace attest::harness {
namespace {

/// Wide, so that an index which is wrong by a row or a head is caught too. It costs addresses, not memory.
constexpr std::size_t kGuardBytes = std::size_t{1} << 20;

/// What the fault handler reads: a handler has no other way to learn of anything.
const GuardedBuffers* current = nullptr;
/// The addresses of the last calls, inaccessible: a thread that still uses them is found out. Several, since a thread
/// may begin when a few short calls are over.
std::array<std::span<std::byte>, 16> past;
std::size_t calls_past = 0;

/// FaultNote::wrote
std::int32_t is_write([[maybe_unused]] const void* context) {
#if defined(__x86_64__)
  constexpr greg_t kWriteBit = 2;  // of the page fault's error code
  return (static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR] & kWriteBit) != 0 ? 1 : 0;
#else
  return -1;
#endif
}

FaultNote::Where where_in(const GuardedBuffers::Mapped& buffer, const std::byte* address) {
  if (address < buffer.reserved || address >= buffer.reserved + buffer.reserved_bytes) return FaultNote::Where::nowhere;
  if (address < buffer.data) return FaultNote::Where::before;
  return address < buffer.data + buffer.bytes ? FaultNote::Where::inside : FaultNote::Where::after;
}

/// Notes where it was, then lets the signal end the process: the faulting instruction runs again after the return.
void note_fault(int signal, siginfo_t* info, void* context) {
  ::signal(signal, SIG_DFL);
  const auto* address = static_cast<const std::byte*>(info->si_addr);
  const bool is_page_fault = info->si_code == SEGV_MAPERR || info->si_code == SEGV_ACCERR;
  for (const auto& addresses : past) {
    if (!is_page_fault || address < addresses.data() || address >= addresses.data() + addresses.size()) continue;
    end_refused({"used a buffer of a call after that call had returned"});
  }
  if (current == nullptr) return;
  const auto misaligned = is_page_fault ? std::nullopt : misaligned_access(context);
  if (misaligned) address = reinterpret_cast<const std::byte*>(misaligned->address);
  for (std::size_t i = 0; i < current->mapped().size(); ++i) {
    const auto where = where_in(current->mapped()[i], address);
    if (where == FaultNote::Where::nowhere) continue;
    *current->note() = {where, static_cast<std::int32_t>(i), is_write(context), misaligned ? misaligned->alignment : 0,
                        reinterpret_cast<std::uintptr_t>(address)};
  }
}

void watch_faults() {
  struct sigaction action {};
  action.sa_sigaction = note_fault;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  ::sigaction(SIGSEGV, &action, nullptr);
}

/// A mapping of the shared memory, at an address or anywhere.
std::byte* mapped_at(void* address, std::size_t bytes, int protection, int memory, std::size_t offset) {
  const int flags = MAP_SHARED | (address == nullptr ? 0 : MAP_FIXED);
  void* mapped = ::mmap(address, bytes, protection, flags, memory, static_cast<off_t>(offset));
  if (mapped == MAP_FAILED) throw std::runtime_error("cannot map the shared memory of a call");
  return static_cast<std::byte*>(mapped);
}

constexpr int kAddressesAlone = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;

std::size_t bytes_with_guards(const PlacedBuffer& buffer) { return buffer.region_bytes + 2 * kGuardBytes; }

std::span<std::byte> reserved_for(const std::vector<PlacedBuffer>& buffers) {
  std::size_t bytes = 0;
  for (const auto& buffer : buffers) bytes += bytes_with_guards(buffer);
  void* reserved = ::mmap(nullptr, bytes, PROT_NONE, kAddressesAlone, -1, 0);
  if (reserved == MAP_FAILED) throw std::runtime_error("no addresses for the buffers of a call");
  return {static_cast<std::byte*>(reserved), bytes};
}

}  // namespace

GuardedBuffers::GuardedBuffers(const CallMemory& memory, const std::vector<PlacedBuffer>& buffers) {
  try {
    note_ =
        reinterpret_cast<FaultNote*>(mapped_at(nullptr, sizeof(FaultNote), PROT_READ | PROT_WRITE, memory.results, 0));
    addresses_ = reserved_for(buffers);
    std::byte* next = addresses_.data();
    for (const auto& buffer : buffers) {
      map(memory, buffer, next);
      next += bytes_with_guards(buffer);
    }
  } catch (...) {
    unmap();
    throw;
  }
  current = this;
  watch_faults();  // each time: the library may have put its own handler there
}

GuardedBuffers::~GuardedBuffers() {
  current = nullptr;
  auto& own = past[calls_past++ % past.size()];
  std::swap(addresses_, own);  // first: a thread that still uses them may fault at once
  ::mmap(own.data(), own.size(), PROT_NONE, kAddressesAlone | MAP_FIXED, -1, 0);
  unmap();
}

void GuardedBuffers::map(const CallMemory& memory, const PlacedBuffer& buffer, std::byte* reserved) {
  mapped_.push_back({reserved, bytes_with_guards(buffer), nullptr, buffer.bytes});
  const bool is_input = buffer.access == Access::read;
  const int protection = is_input ? PROT_READ : PROT_READ | PROT_WRITE;
  std::byte* const region = mapped_.back().reserved + kGuardBytes;
  const int file = is_input ? memory.inputs : memory.results;
  mapped_.back().data = mapped_at(region, buffer.region_bytes, protection, file, buffer.region) + buffer.offset;
}

void GuardedBuffers::unmap() {
  if (!addresses_.empty()) ::munmap(addresses_.data(), addresses_.size());
  if (note_ != nullptr) ::munmap(note_, sizeof(FaultNote));
}

}  // namespace attest::harness
