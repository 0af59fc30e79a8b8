#pragma once

#include <cstdint>
#include <span>
#include <variant>

#include "fixtures/case.h"
#include "optimized/head_rows.h"
#include "optimized/key_value_panels.h"
#include "optimized/row_product.h"

namespace attest::optimized {

/// Which elements a rotary embedding pairs.
Pairing pairing_of(const PosEmbeddings& embedding);

/// Where the intermediates of one projection go, if somebody asked for them; each may be null.
struct HeadCaptures {
  float* projected = nullptr;   ///< [b, s, n, h_d]
  float* rotated = nullptr;     ///< [b, s, n, h_d]
  float* normalised = nullptr;  ///< [b, n, s, h_d]
};

/// What is made of the heads of q, k or v.
struct HeadFinishing {
  std::size_t tokens = 0, heads = 0, head_dim = 0;
  Pairing pairing = Pairing::none;
  const RotaryTables* tables = nullptr;
  std::span<const std::int64_t> positions;  ///< [b, s], with a pairing
  const float* norm_scale = nullptr;        ///< [h_d], or null
  float norm_eps = 0;
  bool norm_first = false;  ///< before the rotary embedding
  HeadCaptures captures;
};

/// Finishes the heads of q, k or v on the way out of their projection: bias, rotary embedding, norm, and the layout
/// that attention reads.
class HeadFinisher final : public BlockFinisher {
 public:
  struct Store {
    HeadRows<float> rows;                     ///< queries: rows to write
    KeyValuePanels<float>* keys = nullptr;    ///< or keys,
    KeyValuePanels<float>* values = nullptr;  ///< or values,
    std::size_t first_slot = 0;               ///< from this slot on
  };

  HeadFinisher(const KernelTable& kernels, const HeadFinishing& finishing, const Store& store)
      : kernels_(kernels), finishing_(finishing), store_(store) {}

  void finish(const FinishedBlock& block) const noexcept override;

 private:
  void finish_row(const FinishedBlock& block, std::size_t row, std::size_t head, PartClock* clock) const noexcept;

  const KernelTable& kernels_;
  const HeadFinishing& finishing_;
  Store store_;
};

/// Writes rows [rows, out_features] with the bias added: a plain linear layer.
class RowFinisher final : public BlockFinisher {
 public:
  RowFinisher(const KernelTable& kernels, float* out, std::size_t out_features)
      : kernels_(kernels), out_(out), out_features_(out_features) {}
  void finish(const FinishedBlock& block) const noexcept override;

 private:
  const KernelTable& kernels_;
  float* out_;
  std::size_t out_features_;
};

}  // namespace attest::optimized
