#include "harness/input_guard.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace attest::harness {
namespace {

/// Four independent multiply-and-rotate lanes, so that the mix runs at about the speed of memory.
class Mix {
 public:
  void add(const Tensor& tensor) {
    const auto bytes = tensor.bytes();
    std::size_t at = 0;
    for (; at + kBlock <= bytes.size(); at += kBlock) {
      for (std::size_t lane = 0; lane < kLanes; ++lane) take(lane, bytes.data() + at + 8 * lane, 8);
    }
    for (std::size_t lane = 0; at < bytes.size(); at += 8, ++lane) {
      take(lane % kLanes, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    }
  }

  std::uint64_t value() const {
    std::uint64_t mixed = 0;
    for (const auto lane : lanes_) mixed = (mixed ^ lane) * kMultiplier + std::rotl(mixed, 23);
    return mixed;
  }

 private:
  static constexpr std::size_t kLanes = 4;
  static constexpr std::size_t kBlock = 8 * kLanes;
  static constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15u;

  void take(std::size_t lane, const std::byte* from, std::size_t count) {
    std::uint64_t word = 0;
    std::memcpy(&word, from, count);
    lanes_[lane] = std::rotl(lanes_[lane] ^ word, 29) * kMultiplier;
  }

  std::array<std::uint64_t, kLanes> lanes_ = {1, 2, 3, 4};
};

void add_inputs(Mix& mix, const Inputs& inputs) {
  mix.add(inputs.x);
  if (const auto* y = std::get_if<Tensor>(&inputs.y)) mix.add(*y);
  if (const auto* mask = std::get_if<BoolMask>(&inputs.mask)) mix.add(mask->values);
  if (const auto* mask = std::get_if<FloatMask>(&inputs.mask)) mix.add(mask->values);
  if (inputs.input_pos) mix.add(*inputs.input_pos);
}

}  // namespace

std::uint64_t fingerprint_of_inputs(const Case& item) {
  Mix mix;
  for (const auto& [name, weight] : item.layer.weights) mix.add(weight);
  if (item.layer.tables) {
    mix.add(item.layer.tables->theta);
    mix.add(item.layer.tables->cos);
    mix.add(item.layer.tables->sin);
  }
  for (const auto& step : item.steps) {
    add_inputs(mix, step.inputs);
    for (const auto& [stage, recorded] : step.expected) mix.add(recorded);
  }
  return mix.value();
}

}  // namespace attest::harness
