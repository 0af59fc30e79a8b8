#include "harness/bug_zoo/widened.h"

#include <bit>

#include "harness/bug_zoo/rounding.h"

namespace attest::bug_zoo {
namespace {

float widened(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }
std::uint16_t narrowed(float value) { return static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(value) >> 16); }

}  // namespace

const DLTensor* Widened::input(const DLTensor* tensor) {
  if (tensor == nullptr || !is_bfloat16(*tensor)) return tensor;
  Buffer& buffer = buffers_.emplace_back(std::vector<std::int64_t>(tensor->shape, tensor->shape + tensor->ndim));
  for (std::int64_t at = 0; at < element_count(*tensor); ++at) {
    buffer.data()[at] = widened(elements<std::uint16_t>(*tensor)[at]);
  }
  return &buffer.tensor();
}

DLTensor* Widened::output(DLTensor* tensor) {
  const DLTensor* wide = input(tensor);
  if (wide == tensor) return tensor;
  written_.push_back({wide, tensor});
  return buffers_.back().out();
}

attest_linear Widened::call(const attest_linear& given) {
  attest_linear wide = given;
  wide.x = input(given.x);
  wide.weight = input(given.weight);
  wide.bias = input(given.bias);
  wide.out = output(given.out);
  return wide;
}

attest_rotary Widened::call(const attest_rotary& given) {
  attest_rotary wide = given;
  wide.x = input(given.x);
  wide.out = output(given.out);
  return wide;
}

attest_norm Widened::call(const attest_norm& given) {
  attest_norm wide = given;
  wide.x = input(given.x);
  wide.scale = input(given.scale);
  wide.out = output(given.out);
  return wide;
}

attest_attention Widened::call(const attest_attention& given) {
  attest_attention wide = given;
  wide.q = input(given.q);
  wide.k = input(given.k);
  wide.v = input(given.v);
  wide.mask = input(given.mask);
  wide.out = output(given.out);
  return wide;
}

attest_layer Widened::call(const attest_layer& given) {
  attest_layer wide = given;
  wide.x = input(given.x);
  wide.y = given.y == given.x ? wide.x : input(given.y);
  wide.mask = input(given.mask);
  wide.k_cache = output(given.k_cache);
  wide.v_cache = output(given.v_cache);
  wide.output = output(given.output);
  weights_.assign(given.weights, given.weights + given.num_weights);
  for (auto& weight : weights_) weight.tensor = input(weight.tensor);
  wide.weights = weights_.data();
  stages_.assign(given.stages, given.stages + given.num_stages);
  for (auto& stage : stages_) stage.tensor = output(stage.tensor);
  wide.stages = stages_.data();
  given_stages_ = given.stages;
  return wide;
}

void Widened::write_back() {
  for (const auto& [from, to] : written_) {
    for (std::int64_t at = 0; at < element_count(*to); ++at) {
      static_cast<std::uint16_t*>(to->data)[at] = narrowed(rounded_to_bfloat16(elements(*from)[at]));
    }
  }
  for (std::size_t n = 0; n < stages_.size(); ++n) given_stages_[n].given = stages_[n].given;
}

}  // namespace attest::bug_zoo
