#pragma once

#include "fixtures/case.h"

/// What torchtune's attention read in a sampled step, which no file holds.
namespace attest::harness {

/// Heads as attention reads them: q [b, n_h, s_x, h_d]; k and v [b, n_kv, s_k, h_d], the whole buffers of a cache.
struct SelectedHeads {
  Tensor q, k, v;
};

/// Makes them, call by call, from layers whose projections select (fixtures/sampled_rows.h).
class SelectedCalls {
 public:
  explicit SelectedCalls(const LayerSpec& layer);  ///< borrowed

  void reset_cache();
  /// Throws InputError where they have not the SHA-256 of torchtune's own.
  SelectedHeads heads_of(const Step& step);

 private:
  const LayerSpec& layer_;
  Tensor k_, v_;  ///< of an enabled cache
  std::int64_t filled_ = 0;
};

}  // namespace attest::harness
