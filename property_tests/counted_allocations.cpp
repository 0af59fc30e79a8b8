#include "property_tests/counted_allocations.h"

#include <atomic>
#include <cerrno>
#include <cstdlib>

/// The C library's functions, replaced by ones that count; operator new calls them too. A sanitizer replaces them
/// itself.
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ATTEST_COUNTS_ALLOCATIONS
#endif
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#undef ATTEST_COUNTS_ALLOCATIONS
#endif
#endif

namespace {

std::atomic<std::size_t> count{0};

}  // namespace

#ifdef ATTEST_COUNTS_ALLOCATIONS
#pragma GCC visibility push(default)  // seen by the shared libraries, which then call these
extern "C" {

void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t number, std::size_t bytes);
void* __libc_realloc(void* memory, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  ++count;
  return __libc_malloc(bytes);
}

void* calloc(std::size_t number, std::size_t bytes) {
  ++count;
  return __libc_calloc(number, bytes);
}

void* realloc(void* memory, std::size_t bytes) {
  ++count;
  return __libc_realloc(memory, bytes);
}

void* memalign(std::size_t alignment, std::size_t bytes) {
  ++count;
  return __libc_memalign(alignment, bytes);
}

void* aligned_alloc(std::size_t alignment, std::size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void** memory, std::size_t alignment, std::size_t bytes) {
  *memory = memalign(alignment, bytes);
  return *memory == nullptr ? ENOMEM : 0;
}

}  // extern "C"
#pragma GCC visibility pop
#endif

namespace attest {

std::string no_counting() {
#ifdef ATTEST_COUNTS_ALLOCATIONS
  return "";
#else
  return "the heap's functions belong to a sanitizer or to another C library than glibc";
#endif
}

std::size_t allocations() { return count; }

}  // namespace attest
