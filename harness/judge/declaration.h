#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "fixtures/config.h"
#include "reference/score_storage.h"

namespace attest::harness {

enum class Sums { float32, float64, bfloat16, float16 };
enum class Products { as_stored, tf32, bfloat16 };

std::string_view name_of(Sums sums);          ///< "float32", "float64", "bfloat16", "float16"
std::string_view name_of(Products products);  ///< "as stored", "tf32", "bfloat16"

/// What a layer may need that the first implementations could not know of; the values are those of the C interface.
enum class Feature : std::uint64_t { float16 = 1, scale = 2, norm_order = 4, block_mask = 8, dropout = 16 };

/// Those that nobody declared before they existed, or-ed.
inline constexpr std::uint64_t kAllFeatures = 31;

/// What somebody under test says of itself (attest_implementation.h). It is judged by the budget of its scores; the
/// rest of its arithmetic is shown only.
struct Declaration {
  reference::ScoreStorage scores = reference::ScoreStorage::float32;
  Sums sums = Sums::float32;
  Products products = Products::as_stored;
  bool flushes_subnormals = false;
  bool same_bits_for_any_threads = false;  ///< put to the test
  std::uint64_t features = kAllFeatures;   ///< of enum Feature, or-ed: a layer that needs another is a gap

  bool operator==(const Declaration&) const = default;
};

/// Why a layer is a gap for whoever declares these features: "it does not declare ATTEST_FLOAT16"; empty if it is none.
std::string undeclared_feature(const Config& layer, std::uint64_t declared);

}  // namespace attest::harness
