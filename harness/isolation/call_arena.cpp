#include "harness/isolation/call_arena.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <functional>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <string_view>

#include "harness/judge/unwritten.h"

namespace attest::harness {
namespace {

constexpr auto kMessage = "message";

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t in_whole_pages(std::size_t bytes) {
  return (std::max<std::size_t>(bytes, 1) + page_size() - 1) / page_size() * page_size();
}

/// Alternates two bytes that make a NaN of every float32 and bfloat16 that begins at an even address.
std::byte canary(std::size_t address) { return std::byte(address % 2 == 0 ? 0xA5 : 0xFF); }

/// The bytes of its region that belong to no element.
std::vector<std::size_t> slack_of(const PlacedBuffer& buffer) {
  std::vector<std::size_t> bytes(buffer.region_bytes - buffer.bytes);
  std::iota(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(buffer.offset), std::size_t{0});
  std::iota(bytes.begin() + static_cast<std::ptrdiff_t>(buffer.offset), bytes.end(), buffer.offset + buffer.bytes);
  return bytes;
}

/// A number that depends on the call's contents alone, so that a case judged again meets the same alignments.
std::size_t seed_of(const LibraryCall& call) {
  for (const auto& buffer : call.buffers) {
    if (buffer.content == nullptr) continue;
    const auto bytes = buffer.content->bytes().first(std::min<std::size_t>(buffer.bytes(), 256));
    return std::hash<std::string_view>{}({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  }
  return 0;
}

constexpr std::size_t kMostShift = 64;

std::size_t shift_of(std::size_t seed, std::size_t index, std::size_t element) {
  return (seed + 5 * index) % (kMostShift / element) * element;
}

}  // namespace

CallArena::CallArena(const LibraryCall& call, Placement placement) {
  place(call, placement);
  map_memory();
  for (const auto& buffer : buffers_) {
    for (const std::size_t i : slack_of(buffer)) memory_[buffer.region + i] = canary(i);
  }
  for (std::size_t i = 0; i < call.buffers.size(); ++i) fill(call.buffers[i], buffers_[i]);
  std::memset(at(buffers_.back()), 0, kMessageCapacity);
}

CallArena::~CallArena() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

void CallArena::place(const LibraryCall& call, Placement placement) {
  std::vector<CallBuffer> buffers = call.buffers;
  buffers.push_back(writable(kMessage, DType::boolean, {static_cast<std::int64_t>(kMessageCapacity)}));
  const std::size_t seed = seed_of(call);
  bytes_ = page_size();  // the first page takes the fault handler's note
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const auto& buffer = buffers[i];
    const std::size_t shift = placement == Placement::shifted ? shift_of(seed, i, size_of(buffer.dtype)) : 0;
    const std::size_t region_bytes = in_whole_pages(buffer.bytes() + shift);
    const std::size_t offset = placement == Placement::flush_end ? region_bytes - buffer.bytes() : shift;
    buffers_.push_back(
        {buffer.name, buffer.access, buffer.dtype, buffer.shape, bytes_, region_bytes, offset, buffer.bytes()});
    bytes_ += region_bytes;
  }
}

void CallArena::map_memory() {
  descriptor_ = ::memfd_create("attest call", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (descriptor_ < 0 || ::ftruncate(descriptor_, static_cast<off_t>(bytes_)) != 0) {
    throw std::runtime_error(fmt::format("no shared memory of {} bytes for a call", bytes_));
  }
  // A library that shrank the file would crash the harness.
  ::fcntl(descriptor_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
  if (memory == MAP_FAILED) throw std::runtime_error(fmt::format("cannot map {} bytes for a call", bytes_));
  memory_ = static_cast<std::byte*>(memory);
}

void CallArena::fill(const CallBuffer& source, const PlacedBuffer& buffer) {
  if (source.content != nullptr) {
    std::memcpy(at(buffer), source.content->bytes().data(), buffer.bytes);
    return;
  }
  Tensor unwritten(buffer.dtype, buffer.shape);
  mark_unwritten(unwritten);
  std::memcpy(at(buffer), unwritten.bytes().data(), buffer.bytes);
}

std::string CallArena::damage() const {
  for (const auto& buffer : buffers_) {
    if (buffer.access == Access::read) continue;
    for (const std::size_t i : slack_of(buffer)) {
      if (memory_[buffer.region + i] == canary(i)) continue;
      return fmt::format("wrote {} `{}`", i < buffer.offset ? "before the beginning of" : "past the end of",
                         buffer.name);
    }
  }
  return "";
}

std::string CallArena::fault() const {
  FaultNote note;
  std::memcpy(&note, memory_, sizeof note);
  const auto index = static_cast<std::size_t>(note.buffer);
  if (index >= buffers_.size()) return "";
  const std::string& name = buffers_[index].name;
  const auto verb = note.wrote < 0 ? "read or wrote" : note.wrote == 1 ? "wrote" : "read";
  switch (note.where) {
    case FaultNote::Where::nowhere:
      break;
    case FaultNote::Where::before:
      return fmt::format("{} before the beginning of `{}`", verb, name);
    case FaultNote::Where::inside:
      return fmt::format("wrote to `{}`, which is an input", name);
    case FaultNote::Where::after:
      return fmt::format("{} past the end of `{}`", verb, name);
  }
  return "";
}

std::string CallArena::message() const {
  const auto* text = reinterpret_cast<const char*>(at(buffers_.back()));
  std::string message(text, ::strnlen(text, kMessageCapacity));
  for (char& c : message) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::iscntrl(byte)) c = ' ';
    if (byte >= 0x80) c = '?';  // of an unknown encoding, and a report is UTF-8
  }
  return message;
}

std::vector<PlacedBuffer> CallArena::library_writes() const {
  std::vector<PlacedBuffer> written;
  std::copy_if(buffers_.begin(), buffers_.end() - 1, std::back_inserter(written),
               [](const PlacedBuffer& buffer) { return buffer.access != Access::read; });
  return written;
}

Tensor CallArena::content(const PlacedBuffer& buffer) const {
  Tensor tensor(buffer.dtype, buffer.shape);
  std::memcpy(tensor.bytes().data(), at(buffer), buffer.bytes);
  return tensor;
}

}  // namespace attest::harness
