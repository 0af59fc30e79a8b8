#pragma once

#include <cstdint>
#include <optional>

#include "optimized/attention_plan.h"
#include "optimized/call_clock.h"
#include "optimized/head_rows.h"
#include "optimized/key_value_panels.h"
#include "optimized/mask_map.h"

namespace attest::optimized {

/// The weights that a dropout of p keeps, divided by 1 - p.
struct Dropout {
  const std::uint8_t* keep;  ///< [b, n_h, s_x, keys and empty slots]
  double p;
};

struct AttentionCall {
  const AttentionPlan& plan;
  const MaskMap& mask;  ///< built for the plan's tiles
  std::optional<Dropout> dropout;
  HeadRows<float> q;  ///< only read; may be the same rows as out
  HeadRows<float> out;
  const KeyValuePanels<float>& keys_values;
  Portion portion;   ///< what is attended now
  float* workspace;  ///< AttentionPlan::workspace floats
};

/// Runs the tiles of a portion on all threads, and joins what was split.
void attend(const KernelTable& kernels, const AttentionCall& call, CallClock& clock);

}  // namespace attest::optimized
