#pragma once

#include <cstdint>
#include <string>

#include "harness/attest_implementation.h"
#include "harness/judge/declaration.h"

/// What a library's table declares, as it comes over the C interface.
namespace attest::harness {

/// 0 where the table's struct_size ends before a word.
struct DeclaredWords {
  std::uint32_t claims = 0;
  std::uint32_t score_storage = 0;
  std::uint64_t arithmetic = 0;
  std::uint64_t features = 0;
};

DeclaredWords words_of(const attest_implementation& table);

/// "score_storage": a word that is none of the interface's, or contradicts itself; empty if there is none.
std::string unknown_word(const DeclaredWords& words);

/// What is unknown counts as not declared.
Declaration declaration_of(const DeclaredWords& words);

}  // namespace attest::harness
