#pragma once

#include <string_view>

namespace attest::reference {

/// What a kernel stores a score in before the softmax: float32, unless it declares that it keeps less.
enum class ScoreStorage { float32, bfloat16, float16 };

constexpr std::string_view name_of(ScoreStorage scores) {
  if (scores == ScoreStorage::bfloat16) return "bfloat16";
  return scores == ScoreStorage::float16 ? "float16" : "float32";
}

}  // namespace attest::reference
