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

/// Elements on a cache line's boundary (a huge page's, where that pays). Grows when asked for more and never shrinks,
/// so that a call of a known shape allocates nothing. New memory is zero.
template <class Element>
class AlignedArray {
 public:
  /// At least `count` elements; the contents are lost when it grows.
  Element* reserve(std::size_t count) {
    if (count > capacity_) {
      memory_.reset();
      memory_.reset(allocate(count));
      capacity_ = count;
    }
    return memory_.get();
  }

  Element* data() { return memory_.get(); }
  const Element* data() const { return memory_.get(); }

 private:
  static constexpr std::size_t kLine = 64;
  static constexpr std::size_t kHugePage = std::size_t{2} << 20;

  struct Release {
    void operator()(Element* memory) const { std::free(memory); }
  };

  static Element* allocate(std::size_t count) {
    const std::size_t alignment = count * sizeof(Element) >= 2 * kHugePage ? kHugePage : kLine;
    const std::size_t bytes = (count * sizeof(Element) + alignment - 1) / alignment * alignment;
    void* memory = std::aligned_alloc(alignment, bytes);
    if (memory == nullptr) throw std::bad_alloc();
#ifdef __linux__
    // Advice only: where it is refused, ordinary pages serve.
    if (alignment == kHugePage) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    std::memset(memory, 0, bytes);
    return static_cast<Element*>(memory);
  }

  std::unique_ptr<Element, Release> memory_;
  std::size_t capacity_ = 0;
};

using AlignedBuffer = AlignedArray<float>;

}  // namespace attest::optimized
