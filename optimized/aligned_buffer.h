#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace attest::optimized {

/// Floats on a cache line's boundary (a huge page's, where that pays). Grows when asked for more and never shrinks, so
/// that a call of a known shape allocates nothing. New memory is zero.
class AlignedBuffer {
 public:
  /// At least `count` floats; the contents are lost when it grows.
  float* reserve(std::size_t count) {
    if (count > capacity_) {
      memory_.reset();
      memory_.reset(allocate(count));
      capacity_ = count;
    }
    return memory_.get();
  }

  float* data() { return memory_.get(); }
  const float* data() const { return memory_.get(); }

 private:
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  struct Release {
    void operator()(float* memory) const { std::free(memory); }
  };

  static float* allocate(std::size_t count) {
    const std::size_t alignment = count * sizeof(float) >= 2 * kHugePage ? kHugePage : kLine;
    const std::size_t bytes = (count * sizeof(float) + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, bytes);
    if (memory == nullptr) throw std::bad_alloc();
#ifdef __linux__
    // Advice only: where it is refused, ordinary pages serve.
    if (alignment == kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    std::memset(memory, 0, bytes);
    return static_cast<float*>(memory);
  }

  std::unique_ptr<float, Release> memory_;
  std::size_t capacity_ = 0;
};

}  // namespace attest::optimized
