#include "harness/isolation/call_arena.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <iterator>
#include <utility>

#include "harness/verdict/unwritten.h"

namespace attest::harness {
namespace {

constexpr int kFiniteByte = 0x42;  ///< 48.6 as a bfloat16, 48.56 as a float32

std::size_t page_size() {
  static const auto size = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t in_whole_pages(std::size_t bytes) {
  return (std::max<std::size_t>(bytes, 1) + page_size() - 1) / page_size() * page_size();
}

/// Alternates two bytes that make a NaN of every float32 and bfloat16 that begins at an even address.
std::byte canary(std::size_t address) { return std::byte(address % 2 == 0 ? 0xA5 : 0xFF); }

/// The bytes of its region that belong to no element, before it and after it: [begin, end).
using Slack = std::array<std::pair<std::size_t, std::size_t>, 2>;
Slack slack_of(const PlacedBuffer& buffer) {
  return {{{0, buffer.offset}, {buffer.offset + buffer.bytes, buffer.region_bytes}}};
}

bool has_canaries(const std::byte* region, std::size_t begin, std::size_t end) {
  bool all = true;
  for (std::size_t i = begin; i < end; ++i) all &= region[i] == canary(i);
  return all;
}

constexpr std::size_t kMostShift = 64;

std::size_t shift_of(std::size_t seed, std::size_t index, std::size_t element) {
  return (seed + 5 * index) % (kMostShift / element) * element;
}

}  // namespace

CallArena::CallArena(const LibraryCall& call, Placement placement) : call_(call) {
  place(placement);
  for (std::size_t i = 0; i < call_.buffers.size(); ++i) {
    if (buffers_[i].access != Access::read) continue;
    put_canaries(buffers_[i]);
    fill(buffers_[i], call_.buffers[i], Before::unwritten);
  }
  inputs_->make_constant();
}

void CallArena::begin(Before before) {
  std::memset(results_->data(), 0, sizeof(FaultNote));
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    if (buffers_[i].access == Access::read) continue;
    put_canaries(buffers_[i]);
    if (i < call_.buffers.size()) fill(buffers_[i], call_.buffers[i], before);
  }
  std::memset(at(buffers_.back()), 0, kMessageCapacity);
}

std::byte* CallArena::region_of(const PlacedBuffer& buffer) const {
  return (buffer.access == Access::read ? inputs_ : results_)->data() + buffer.region;
}

void CallArena::place(Placement placement) {
  std::vector<CallBuffer> buffers = call_.buffers;
  buffers.push_back({kMessage, Access::write, DType::boolean, {static_cast<std::int64_t>(kMessageCapacity)}});
  const std::size_t seed = seed_of(call_);
  std::size_t input_bytes = 0, result_bytes = page_size();  // the first page takes the fault handler's note
  for (std::size_t i = 0; i < buffers.size(); ++i) {
    const auto& buffer = buffers[i];
    const std::size_t shift = placement == Placement::shifted ? shift_of(seed, i, size_of(buffer.dtype)) : 0;
    const std::size_t region_bytes = in_whole_pages(buffer.bytes() + shift);
    const std::size_t offset = placement == Placement::flush_end ? region_bytes - buffer.bytes() : shift;
    std::size_t& end = buffer.access == Access::read ? input_bytes : result_bytes;
    buffers_.push_back(
        {buffer.name, buffer.access, buffer.dtype, buffer.shape, end, region_bytes, offset, buffer.bytes()});
    end += region_bytes;
  }
  inputs_ = std::make_unique<SharedMemory>(in_whole_pages(input_bytes));
  results_ = std::make_unique<SharedMemory>(result_bytes);
}

void CallArena::put_canaries(const PlacedBuffer& buffer) {
  std::byte* const region = region_of(buffer);
  for (const auto& [begin, end] : slack_of(buffer)) {
    for (std::size_t i = begin; i < end; ++i) region[i] = canary(i);
  }
}

void CallArena::fill(const PlacedBuffer& buffer, const CallBuffer& source, Before before) {
  if (source.content != nullptr) {
    std::ranges::copy(source.content->bytes(), at(buffer));
    return;
  }
  if (before == Before::finite) {
    std::memset(at(buffer), kFiniteByte, buffer.bytes);
    return;
  }
  Tensor unwritten(buffer.dtype, buffer.shape);
  mark_unwritten(unwritten);
  std::ranges::copy(unwritten.bytes(), at(buffer));
}

std::string CallArena::damage() const {
  for (const auto& buffer : buffers_) {
    if (buffer.access == Access::read) continue;
    for (const auto& [begin, end] : slack_of(buffer)) {
      if (has_canaries(region_of(buffer), begin, end)) continue;
      return fmt::format("wrote {} `{}`", end <= buffer.offset ? "before the beginning of" : "past the end of",
                         buffer.name);
    }
  }
  return "";
}

std::string CallArena::fault() const {
  FaultNote note;
  std::memcpy(&note, results_->data(), sizeof note);
  const auto index = static_cast<std::size_t>(note.buffer);
  if (index >= buffers_.size()) return "";
  const std::string& name = buffers_[index].name;
  if (note.alignment != 0 && note.where != FaultNote::Where::nowhere) {
    return fmt::format(
        "misaligned access to `{}`: the address ends in {:#04x}, the instruction needs {}-byte alignment", name,
        note.address % 0x40, note.alignment);
  }
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
  std::copy_n(at(buffer), buffer.bytes, tensor.bytes().begin());
  return tensor;
}

}  // namespace attest::harness
