#include "harness/isolation/declared_words.h"

#include <bit>

namespace attest::harness {
namespace {

static_assert(static_cast<std::uint64_t>(Feature::float16) == ATTEST_FLOAT16);
static_assert(static_cast<std::uint64_t>(Feature::scale) == ATTEST_SCALE);
static_assert(static_cast<std::uint64_t>(Feature::norm_order) == ATTEST_NORM_ORDER);
static_assert(static_cast<std::uint64_t>(Feature::block_mask) == ATTEST_BLOCK_MASK);
static_assert(static_cast<std::uint64_t>(Feature::dropout) == ATTEST_DROPOUT);

constexpr std::uint64_t kSums = ATTEST_SUMS_FLOAT64 | ATTEST_SUMS_BFLOAT16 | ATTEST_SUMS_FLOAT16;
constexpr std::uint64_t kProducts = ATTEST_PRODUCTS_TF32 | ATTEST_PRODUCTS_BFLOAT16;

template <class Word>
Word covered(const attest_implementation& table, Word attest_implementation::*member) {
  const auto* const begin = reinterpret_cast<const std::byte*>(&table);
  const auto* const end = reinterpret_cast<const std::byte*>(&(table.*member) + 1);
  return table.struct_size >= static_cast<std::size_t>(end - begin) ? table.*member : Word{0};
}

bool is_arithmetic(std::uint64_t word) {
  const bool known = (word & ~(kSums | kProducts | ATTEST_FLUSHES_SUBNORMALS)) == 0;
  return known && std::popcount(word & kSums) <= 1 && std::popcount(word & kProducts) <= 1;
}

reference::ScoreStorage scores_of(std::uint32_t word) {
  using reference::ScoreStorage;
  if (word == ATTEST_SCORES_BFLOAT16) return ScoreStorage::bfloat16;
  return word == ATTEST_SCORES_FLOAT16 ? ScoreStorage::float16 : ScoreStorage::float32;
}

Sums sums_of(std::uint64_t word) {
  if ((word & ATTEST_SUMS_FLOAT64) != 0) return Sums::float64;
  if ((word & ATTEST_SUMS_BFLOAT16) != 0) return Sums::bfloat16;
  return (word & ATTEST_SUMS_FLOAT16) != 0 ? Sums::float16 : Sums::float32;
}

Products products_of(std::uint64_t word) {
  if ((word & ATTEST_PRODUCTS_TF32) != 0) return Products::tf32;
  return (word & ATTEST_PRODUCTS_BFLOAT16) != 0 ? Products::bfloat16 : Products::as_stored;
}

}  // namespace

DeclaredWords words_of(const attest_implementation& table) {
  return {covered(table, &attest_implementation::claims), covered(table, &attest_implementation::score_storage),
          covered(table, &attest_implementation::arithmetic), covered(table, &attest_implementation::features)};
}

std::string unknown_word(const DeclaredWords& words) {
  if (words.score_storage > ATTEST_SCORES_FLOAT16) return "score_storage";
  return is_arithmetic(words.arithmetic) ? "" : "arithmetic";
}

Declaration declaration_of(const DeclaredWords& words) {
  return {.scores = scores_of(words.score_storage),
          .sums = sums_of(words.arithmetic),
          .products = products_of(words.arithmetic),
          .flushes_subnormals = (words.arithmetic & ATTEST_FLUSHES_SUBNORMALS) != 0,
          .same_bits_for_any_threads = (words.claims & ATTEST_SAME_BITS_FOR_ANY_THREADS) != 0,
          .features = words.features};
}

}  // namespace attest::harness
