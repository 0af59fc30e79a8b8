#pragma once

#include <atomic>
#include <memory_resource>

namespace attest::builtin {

/// Memory in which every allocation ends, or every second one begins, at an inaccessible page: a kernel that leaves its
/// tensors crashes.
class GuardedMemory final : public std::pmr::memory_resource {
 private:
  void* do_allocate(std::size_t bytes, std::size_t alignment) override;
  void do_deallocate(void* memory, std::size_t bytes, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override { return this == &other; }

  std::atomic<unsigned> allocations_{0};
};

}  // namespace attest::builtin
