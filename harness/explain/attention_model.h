#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "fixtures/stage_inputs.h"
#include "harness/explain/hypothesis.h"
#include "reference/attention.h"

/// Attention in float64 with every place open where kernels go wrong.
namespace attest::harness::explain {

inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// One row as a kernel meets it, hidden keys included.
struct ScoredRow {
  reference::RowIndex at;
  std::vector<double> scores;          ///< q k scale [s_k], without the mask
  std::vector<double> bias;            ///< of a float mask [s_k]; else empty
  std::vector<bool> visible;           ///< [s_k]
  std::vector<double> logits() const;  ///< score plus bias; -inf where hidden
};

/// The weight of each value [s_k]; a weight of 0 reads no value.
using Weigh = std::function<std::vector<double>(const ScoredRow&)>;

/// What dropout multiplies the weight of a row's key with.
using Kept = std::function<double(const reference::RowIndex&, std::int64_t key)>;

/// exp(logit - largest) / sum, and zeros where no key is seen.
std::vector<double> softmax(const ScoredRow& row);

/// Copies are cheap: a hypothesis copies the model and replaces what it holds to be wrong.
struct AttentionModel {
  /// Row by row [b, n_h, s_x]; of some tokens alone [tokens, n_h].
  explicit AttentionModel(const AttentionInputs& inputs, std::span<const TokenIndex> tokens = {});

  std::shared_ptr<const Array<double>> q;  ///< [b, n_h, s_x, h_d]
  std::shared_ptr<const Array<double>> k;  ///< [b, n_kv, s_k, h_d]
  std::shared_ptr<const Array<double>> v;
  std::shared_ptr<const reference::AttentionMask<double>> mask;
  double scale;
  std::function<std::int64_t(std::int64_t)> kv_head;    ///< of a query head
  std::function<std::int64_t(std::int64_t)> kv_sample;  ///< whose keys and values a sample reads
  /// Which row of the mask a row reads, its sample and token in `b` and `i`.
  std::function<reference::RowIndex(const reference::RowIndex&)> mask_row;
  Weigh weigh = softmax;
  Kept kept;                        ///< 1 without dropout
  std::vector<TokenIndex> sampled;  ///< tokens; empty if all are there

  std::int64_t samples() const { return static_cast<std::int64_t>(q->shape(0)); }
  std::int64_t heads() const { return static_cast<std::int64_t>(q->shape(1)); }
  std::int64_t kv_heads() const { return static_cast<std::int64_t>(k->shape(1)); }
  std::int64_t tokens() const { return static_cast<std::int64_t>(q->shape(2)); }
  std::int64_t keys() const { return static_cast<std::int64_t>(k->shape(2)); }
  std::int64_t head_dim() const { return static_cast<std::int64_t>(q->shape(3)); }

  /// Sample, head, its key/value head and token of a row.
  reference::RowIndex at(std::int64_t row) const;
  ScoredRow scored(const reference::RowIndex& at) const;
  /// Of the values: what `weigh` says, times what dropout makes of it.
  std::vector<double> weights(const reference::RowIndex& at) const;
  std::span<const double> value(const reference::RowIndex& at, std::int64_t key) const;
  std::vector<double> output(std::int64_t row) const;  ///< [h_d]
};

Hypothesis hypothesis(Finding finding, const AttentionModel& model, double slack = 0.0);

}  // namespace attest::harness::explain
