#include "harness/judge/input_guard.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <vector>

namespace attest::harness {
namespace {

constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15u;
constexpr std::size_t kLanes = 4;
constexpr std::size_t kBlock = 8 * kLanes;

std::uint64_t word_at(const std::byte* from, std::size_t count) {
  std::uint64_t word = 0;
  std::memcpy(&word, from, count);
  return word;
}

std::vector<const Tensor*> everything_readable(const Case& item) {
  std::vector<const Tensor*> tensors;
  for (const auto& [name, weight] : item.layer.weights) tensors.push_back(&weight);
  if (item.layer.tables) {
    tensors.insert(tensors.end(), {&item.layer.tables->theta, &item.layer.tables->cos, &item.layer.tables->sin});
  }
  for (const auto& step : item.steps) {
    for (const auto& given : given_tensors(step.inputs)) tensors.push_back(given.tensor);
    for (const auto& [stage, recorded] : step.expected) tensors.push_back(&recorded);
  }
  return tensors;
}

}  // namespace

/// Four independent multiply-and-rotate lanes, so that the mix runs at about the speed of memory.
std::uint64_t fingerprint_of(const Tensor& tensor) {
  const auto bytes = tensor.bytes();
  std::array<std::uint64_t, kLanes> lanes = {1, 2, 3, 4};
  const auto take = [&](std::size_t lane, std::uint64_t word) {
    lanes[lane] = std::rotl(lanes[lane] ^ word, 29) * kMultiplier;
  };
  std::size_t at = 0;
  for (; at + kBlock <= bytes.size(); at += kBlock) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, word_at(bytes.data() + at + 8 * lane, 8));
  }
  for (; at < bytes.size(); at += 8) take(0, word_at(bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at)));
  std::uint64_t mixed = 0;
  for (const auto lane : lanes) mixed = (mixed ^ lane) * kMultiplier + std::rotl(mixed, 23);
  return mixed;
}

std::uint64_t fingerprint_of_inputs(const Case& item) {
  std::uint64_t all = 0;
  for (const Tensor* tensor : everything_readable(item))
    all = std::rotl(all, 11) * kMultiplier + fingerprint_of(*tensor);
  return all;
}

}  // namespace attest::harness
