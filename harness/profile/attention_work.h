#pragma once

#include "harness/profile/prepared_work.h"
#include "optimized/aligned_buffer.h"
#include "optimized/tiled_attention.h"

namespace attest::harness {

/// Causal attention alone, with the heads of a layer. Keys and values already lie as the projections leave them.
class AttentionWork final : public PreparedWork {
 public:
  AttentionWork(const Config& config, const WorkItem& item, const optimized::Execution<float>& execution);

  void restore() override {}
  void run(optimized::PartTimes* times) override;
  WorkVerdict verify() override;
  std::vector<float> sampled_output() const override;

 private:
  optimized::Execution<float> execution_;
  Tensor q_, k_, v_, out_;  ///< q, out [b, n_h, s, h_d]; k, v [b, n_kv, s, h_d]
  optimized::AttentionPlan plan_;
  optimized::Portion all_;
  optimized::AlignedBuffer keys_values_, workspace_;
  optimized::KeyValuePanels<float> panels_;
  optimized::MaskMap mask_map_;
  optimized::CallClock clock_;
};

}  // namespace attest::harness
