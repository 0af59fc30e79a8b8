#include "harness/isolation/shared_memory.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <stdexcept>

namespace attest::harness {

SharedMemory::SharedMemory(std::size_t bytes) : bytes_(bytes) {
  descriptor_ = ::memfd_create("attest call", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  void* memory = MAP_FAILED;
  if (descriptor_ >= 0 && ::ftruncate(descriptor_, static_cast<off_t>(bytes)) == 0) {
    // A library that shrank the file would crash the harness.
    ::fcntl(descriptor_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW);
    memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  }
  if (memory == MAP_FAILED) {
    if (descriptor_ >= 0) ::close(descriptor_);
    throw std::runtime_error(fmt::format("no shared memory of {} bytes for a call", bytes));
  }
  data_ = static_cast<std::byte*>(memory);
}

SharedMemory::~SharedMemory() {
  if (data_ != nullptr) ::munmap(data_, bytes_);
  ::close(descriptor_);
}

void SharedMemory::make_constant() {
  ::munmap(data_, bytes_);
  data_ = nullptr;
  if (::fcntl(descriptor_, F_ADD_SEALS, F_SEAL_WRITE) != 0)
    throw std::runtime_error("cannot seal the inputs of a call");
}

}  // namespace attest::harness
