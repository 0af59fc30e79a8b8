#pragma once

#include <array>
#include <cstdint>
#include <string_view>

/// How a correct kernel may differ from another correct kernel: all of these must be accepted.
namespace attest::bug_zoo {

enum class Passes {
  one,  ///< online softmax: values are gathered while the row's maximum and sum are still growing
  two   ///< the row's maximum and sum first; then each probability, divided, times its value
};
enum class KeyOrder { ascending, descending };
enum class Exponential { base_e, base_2 };
enum class Accumulation { plain, fused, compensated, in_double };

struct Design {
  std::int64_t key_block = 4;  ///< keys whose scores are computed before the softmax sees them
  Passes passes = Passes::one;
  KeyOrder order = KeyOrder::ascending;
  Exponential exponential = Exponential::base_e;
  Accumulation accumulation = Accumulation::plain;
  std::int64_t lanes = 1;  ///< partial sums of a dot product, as a vector register has
};

struct CorrectVariant {
  std::string_view name;      ///< the library's option
  std::string_view sentence;  ///< what it does otherwise
  Design design;
};

inline constexpr std::int64_t kWholeRow = INT64_MAX;

inline constexpr std::array kCorrectVariants = {
    CorrectVariant{"plain", "online softmax in blocks of four keys: what every bug is planted in", {}},
    CorrectVariant{"blocks_of_one", "rescales after each key", {.key_block = 1}},
    CorrectVariant{"blocks_of_seven", "blocks that divide nothing", {.key_block = 7}},
    CorrectVariant{"blocks_of_sixty_four", "large blocks", {.key_block = 64}},
    CorrectVariant{"descending_blocks", "from the last key to the first", {.order = KeyOrder::descending}},
    CorrectVariant{"descending_keys", "the same, key by key", {.key_block = 1, .order = KeyOrder::descending}},
    CorrectVariant{"whole_row", "all scores of a row before its softmax", {.key_block = kWholeRow}},
    CorrectVariant{"two_passes", "probabilities are divided before they meet the values", {.passes = Passes::two}},
    CorrectVariant{"naive", "textbook: all scores, softmax, product", {.key_block = kWholeRow, .passes = Passes::two}},
    CorrectVariant{"base_2", "powers of two: 2^(x log2(e))", {.exponential = Exponential::base_2}},
    CorrectVariant{"fused", "fused multiply-add", {.accumulation = Accumulation::fused}},
    CorrectVariant{"kahan", "compensated sums", {.accumulation = Accumulation::compensated}},
    CorrectVariant{"in_double", "sums in double precision", {.accumulation = Accumulation::in_double}},
    CorrectVariant{"four_lanes", "dot products in four partial sums", {.lanes = 4}},
    CorrectVariant{"vectorised",
                   "as a vector kernel: fused, sixteen partial sums, larger blocks",
                   {.key_block = 32, .accumulation = Accumulation::fused, .lanes = 16}},
    CorrectVariant{"naive_kahan",
                   "textbook with compensated sums",
                   {.key_block = kWholeRow, .passes = Passes::two, .accumulation = Accumulation::compensated}},
};

}  // namespace attest::bug_zoo
