#pragma once

#include <cstddef>

namespace attest::harness {

/// Pages that the harness fills and a worker maps by their descriptor.
class SharedMemory {
 public:
  /// Throws std::runtime_error if there is none.
  explicit SharedMemory(std::size_t bytes);
  ~SharedMemory();
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;

  int descriptor() const { return descriptor_; }
  std::byte* data() const { return data_; }  ///< null once it is constant

  /// From now on nobody can write it, in whatever way he maps it: the kernel has it sealed.
  void make_constant();

 private:
  int descriptor_ = -1;
  std::byte* data_ = nullptr;
  std::size_t bytes_;
};

}  // namespace attest::harness
