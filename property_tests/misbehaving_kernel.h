#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "harness/isolation/library_implementation.h"

/// Asking misbehaving_kernel.c.
namespace attest::harness {

/// Values of 0.5, so that any softmax over them gives 0.5; sizes that fill no page.
inline Tensor halves(Shape shape) {
  Tensor tensor(DType::float32, std::move(shape));
  std::ranges::fill(tensor.as<float>(), 0.5f);
  return tensor;
}

/// The kernel misbehaves where there is one query token.
inline Tensor attention_of(const Implementation& implementation, std::int64_t tokens) {
  const Tensor q = halves({1, 2, tokens, 6}), k = halves({1, 1, 3, 6}), v = halves({1, 1, 3, 6});
  const Mask mask = NoMask{};
  return implementation.attention({q, k, v, mask, false});
}

inline std::unique_ptr<Implementation> kernel_that(const std::string& option, std::chrono::seconds time_limit) {
  return load_implementation(std::string(ATTEST_MISBEHAVING_KERNEL) + "#" + option, {ATTEST_COMMAND, time_limit});
}

/// What is said of the call, after which the next one is answered as if nothing had been.
inline std::string sentence_of(const std::string& option, Status verdict = Status::failed, int time_limit = 60) {
  const auto kernel = kernel_that(option, std::chrono::seconds(time_limit));
  std::string sentence = "nothing";
  try {
    attention_of(*kernel, 1);
  } catch (const NoAnswer& none) {
    EXPECT_EQ(none.verdict, verdict) << option;
    sentence = none.what();
  }
  const Tensor next = attention_of(*kernel, 2);
  EXPECT_TRUE(std::ranges::all_of(next.as<float>(), [](float value) { return value == 0.5f; })) << option;
  return sentence;
}

}  // namespace attest::harness
