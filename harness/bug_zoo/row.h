#pragma once

#include <cstdint>

namespace attest::bug_zoo {

/// One query row: its vector, the keys and values of its head [s_k, h_d], where it stands.
struct Row {
  const float* q;
  const float* k;
  const float* v;
  std::int64_t sample;
  std::int64_t head;
  std::int64_t token;
  const float* q_of_other_thread;  ///< of the row that another thread computes at the same time; q where none does
};

}  // namespace attest::bug_zoo
