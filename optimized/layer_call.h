#pragma once

#include <vector>

#include "optimized/call_plan.h"
#include "optimized/layer_finishers.h"
#include "optimized/tiled_attention.h"

namespace attest::optimized {

/// What a layer keeps between its calls, beside its weights: the cache, and memory that a call need not ask for again.
struct LayerMemory {
  explicit LayerMemory(const PackedLayer& layer)
      : cache(layer.spec.config, layer.execution.kernels), fresh(layer.execution.kernels), mask(layer.execution) {}

  LayerCache cache;
  KeyValuePanels<float> fresh;  ///< keys and values of a call without a cache, of a portion at a time
  MaskMap mask;
  AlignedBuffer workspace;  ///< CallPlan::workspace
  std::vector<std::int64_t> x_positions, y_positions;
  CallClock clock;
};

/// One call: its plan bound to its tensors. A portion is projected and attended, the samples of some portions then go
/// through the output projection.
class LayerCall {
 public:
  LayerCall(const PackedLayer& layer, LayerMemory& memory, const CallPlan& plan, const Inputs& inputs, Tensor& output,
            Stages* stages);

  /// Keys and values, into the cache or `fresh`; before the first heads of some samples, also all their queries.
  void project(const Portion& portion);
  /// In place of the queries.
  void attend(const Portion& portion);
  /// What attention left of these samples.
  void project_output(const Range& samples);

 private:
  std::span<const std::int64_t> positions(const Tensor& tokens, std::vector<std::int64_t>& resolved) const;
  HeadRows<float> head_rows(const Range& samples) const;
  KeyValuePanels<float>& panels() { return memory_.cache.enabled() ? memory_.cache.panels() : memory_.fresh; }
  float* scratch() { return memory_.workspace.data() + plan_.workspace.scratch; }
  void multiply(const RowMatrix<float>& rows, std::span<const Projection> projections, Part part);
  void record_attention(const Range& samples) const;

  const PackedLayer& layer_;
  LayerMemory& memory_;
  const CallPlan& plan_;
  const Inputs& inputs_;
  const Tensor* y_;  ///< or null
  float* out_;
  HeadFinishing queries_, keys_, values_;  ///< without y, the last two mean nothing
  float* attention_stage_;                 ///< [b, n_h, s_x, h_d], or null
};

}  // namespace attest::optimized
