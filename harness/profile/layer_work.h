#pragma once

#include "harness/profile/prepared_work.h"

namespace attest::harness {

/// A call of a whole layer: every kind of work but attention alone.
class LayerWork final : public PreparedWork {
 public:
  LayerWork(const ProfiledLayer& layer, const WorkItem& item, optimized::Target target,
            const optimized::Resources& resources);

  void restore() override;
  void run(optimized::PartTimes* times) override;
  WorkVerdict verify() override;
  std::vector<float> sampled_output() const override;

 private:
  void fill_cache();

  WorkItem item_;
  LayerSpec spec_;
  optimized::MultiHeadAttention layer_;
  Inputs inputs_;
  Tensor output_;
  bool holds_call_ = false;  ///< the cache holds the tokens of a call
};

}  // namespace attest::harness
