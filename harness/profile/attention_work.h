#pragma once

#include "harness/profile/prepared_work.h"
#include "optimized/tiled_attention.h"

namespace attest::harness {

/// Causal attention alone, with the heads of a layer. Keys and values already lie as the projections leave them.
class AttentionWork final : public PreparedWork {
 public:
  AttentionWork(const Config& config, const WorkItem& item, optimized::Target target);

  void restore() override {}
  void run(optimized::PartTimes* times) override;
  WorkVerdict verify() override;
  std::vector<float> sampled_output() const override;

 private:
  Config config_;
  std::size_t samples_, tokens_;
  Tensor q_, k_, v_, out_;  ///< q, out [b, n_h, s, h_d]; k, v [b, n_kv, s, h_d]
  optimized::KeyValuePanels panels_;
  optimized::TiledAttention attention_;
  optimized::CallClock clock_;
  Mask mask_ = NoMask{};
};

}  // namespace attest::harness
