#pragma once

#include "fixtures/tensor.h"

/// Re-laid copies between torchtune's layouts of heads. Any dtype; only bytes move.
namespace attest::harness {

/// The same elements under another shape of the same size.
Tensor reshaped(const Tensor& tensor, Shape shape);

/// [b, s, n, h_d] -> [b, n, s, h_d], and back: torch's transpose(1, 2).contiguous().
Tensor with_middle_axes_swapped(const Tensor& tensor);

}  // namespace attest::harness
