#pragma once

#include <cstddef>

#include "fixtures/case.h"
#include "optimized/aligned_buffer.h"
#include "optimized/call_clock.h"
#include "optimized/kernels.h"
#include "optimized/key_value_panels.h"
#include "optimized/mask_map.h"

namespace attest::optimized {

/// Rows of head_dim floats, addressed by sample, token and head.
struct HeadRows {
  float* data;
  std::size_t sample_stride, token_stride, head_stride;
  std::size_t first_sample = 0;  ///< the one that data begins with

  float* at(std::size_t sample, std::size_t token, std::size_t head) const {
    return data + (sample - first_sample) * sample_stride + token * token_stride + head * head_stride;
  }
};

struct AttentionCall {
  std::size_t samples, tokens, num_heads, num_kv_heads, head_dim;
  HeadRows q;  ///< only read; may be the same rows as out
  HeadRows out;
  const KeyValuePanels& keys_values;
  Portion portion;          ///< what is attended now
  std::size_t keys;         ///< slots read
  std::size_t empty_slots;  ///< further visible slots, zero in key and value
  bool is_causal;
  const Mask& mask;
};

/// Cuts attention into tiles of (sample, key/value head, tokens), runs them on all threads, and, where there are few
/// tiles and many keys, splits the keys as well. The cut depends on the shapes only, so the bits do not depend on the
/// threads, nor on how much is attended at a time.
class TiledAttention {
 public:
  explicit TiledAttention(const KernelTable& kernels) : kernels_(kernels), mask_map_(kernels) {}
  /// Reads the mask, before anything else happens; then run() may be called for some portions after others.
  /// Throws InputError where a byte of a bool mask is neither 0 nor 1.
  void read_mask(const AttentionCall& call, CallClock& clock);
  void run(const AttentionCall& call, CallClock& clock);

 private:
  struct Plan;
  AttentionTile tile_of(const AttentionCall& call, const Plan& plan, std::size_t tile) const;
  void run_tiles(const AttentionCall& call, const Plan& plan, CallClock& clock);
  void merge(const AttentionCall& call, const Plan& plan, std::size_t tile);

  const KernelTable& kernels_;
  MaskMap mask_map_;
  AlignedBuffer thread_space_;
  AlignedBuffer partial_;
};

}  // namespace attest::optimized
