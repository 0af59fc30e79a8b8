#pragma once

#include <string_view>

#include "reference/score_storage.h"

namespace attest::harness {

enum class Sums { float32, float64, bfloat16, float16 };
enum class Products { as_stored, tf32, bfloat16 };

std::string_view name_of(Sums sums);          ///< "float32", "float64", "bfloat16", "float16"
std::string_view name_of(Products products);  ///< "as stored", "tf32", "bfloat16"

/// What somebody under test says of itself (attest_implementation.h). It is judged by the budget of its scores; the
/// rest of its arithmetic is shown only.
struct Declaration {
  reference::ScoreStorage scores = reference::ScoreStorage::float32;
  Sums sums = Sums::float32;
  Products products = Products::as_stored;
  bool flushes_subnormals = false;
  bool same_bits_for_any_threads = false;  ///< put to the test
  bool knows_float16 = true;               ///< else a case of float16 is a gap

  bool operator==(const Declaration&) const = default;
};

}  // namespace attest::harness
