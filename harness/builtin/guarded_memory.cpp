#include "harness/builtin/guarded_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <new>

namespace attest::builtin {
namespace {

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t in_whole_pages(std::size_t bytes) { return (bytes + page_size() - 1) / page_size() * page_size(); }

}  // namespace

void* GuardedMemory::do_allocate(std::size_t bytes, std::size_t alignment) {
  const std::size_t inside = in_whole_pages(bytes);
  void* reserved = ::mmap(nullptr, inside + 2 * page_size(), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (reserved == MAP_FAILED) throw std::bad_alloc();
  auto* const first = static_cast<std::byte*>(reserved) + page_size();
  if (::mprotect(first, inside, PROT_READ | PROT_WRITE) != 0) throw std::bad_alloc();
  const bool at_end = allocations_++ % 2 == 0;
  const std::size_t slack = (inside - bytes) / alignment * alignment;
  return at_end ? first + slack : first;
}

void GuardedMemory::do_deallocate(void* memory, std::size_t bytes, std::size_t) {
  auto* const page = reinterpret_cast<std::byte*>(reinterpret_cast<std::uintptr_t>(memory) & ~(page_size() - 1));
  ::munmap(page - page_size(), in_whole_pages(bytes) + 2 * page_size());
}

}  // namespace attest::builtin
