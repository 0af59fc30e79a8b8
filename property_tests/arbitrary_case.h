#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "fixtures/case.h"

/// Cases whose structure is valid and whose floating-point contents are random bits (NaN payloads included): what a
/// case file must hold, not what a layer computes.
namespace attest::property_tests {

struct ArbitraryCase {
  std::int64_t b = 2, s_x = 3, s_y = 4, n_kv = 2, q_per_kv = 2, half_head_dim = 2;
  int pos_embeddings = 1;  ///< arm of PosEmbeddings
  int mask = 1;   ///< arm of Mask; documents (3) only with as many keys as tokens, blocks (4) with later_fields
  int y = 0;      ///< arm of KeyValueSource; absent (2) only in a second step, with a cache
  int cache = 0;  ///< 0 none, 1 enabled, 2 not enabled
  bool norm = false, bias = false, input_pos = false, error = false;
  bool later_fields = false;  ///< each other than its default
  bool dropout = false;       ///< not with blocks
  DType dtype = DType::float32;
  std::uint64_t seed = 1;
};

Case arbitrary_case(const ArbitraryCase& choice);

/// The first place where two cases differ in type, shape, word or bit; empty if they are the same.
std::string difference(const Case& a, const Case& b);

}  // namespace attest::property_tests
