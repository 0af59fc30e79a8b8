#pragma once

#include "optimized/attention_plan.h"
#include "optimized/call_clock.h"
#include "optimized/head_rows.h"
#include "optimized/key_value_panels.h"
#include "optimized/mask_map.h"

namespace attest::optimized {

/// Of the weights of a call.
struct Dropout {
  const Tensor* keep = nullptr;  ///< bool [b, n_h, s_x, s_k], those that are kept; null without a dropout
  double p = 0;                  ///< kept weights are divided by 1 - p
};

struct AttentionCall {
  const AttentionPlan& plan;
  const MaskMap& mask;  ///< built for the plan's tiles
  HeadRows<float> q;    ///< only read; may be the same rows as out
  HeadRows<float> out;
  const KeyValuePanels<float>& keys_values;
  Dropout dropout;
  Portion portion;   ///< what is attended now
  float* workspace;  ///< AttentionPlan::workspace floats
};

/// Runs the tiles of a portion on all threads, and joins what was split.
void attend(const KernelTable& kernels, const AttentionCall& call, CallClock& clock);

}  // namespace attest::optimized
