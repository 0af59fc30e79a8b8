#pragma once

#include "harness/draw/drawn_case.h"

namespace attest::harness {

/// Configuration, weights and rotary tables of a valid draw. Of an attention alone there is no layer, but
/// what decides about gaps.
LayerSpec drawn_layer(const CaseDraw& draw);

/// Of the scores; none where the draw says none.
std::optional<double> drawn_scale(const CaseDraw& draw);

double dropout_p(const CaseDraw& draw);

/// The values in a floating-point dtype, each rounded once.
Tensor rounded_tensor(DType dtype, Shape shape, const std::vector<double>& values);

/// Where q, k and v begin in the tokens of a family that selects them.
struct SelectedColumns {
  std::int64_t k = 0, v = 0, end = 0;
};
SelectedColumns selected_columns(const CaseDraw& draw);

}  // namespace attest::harness
