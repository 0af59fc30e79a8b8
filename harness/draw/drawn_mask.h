#pragma once

#include <vector>

#include "harness/draw/drawn_case.h"
#include "harness/draw/input_family.h"

/// Masks and positions of a drawn case, over the tokens of all its calls together. Row i is that of the i-th token that
/// is called with: of token draw.filled + i.
namespace attest::harness {

/// The lengths of the documents packed into each sample; they sum to s_x.
std::vector<std::int64_t> drawn_documents(const CaseDraw& draw);

/// [b|1, called_tokens|1, mask_columns|1], or NoMask.
Mask drawn_mask(const CaseDraw& draw);

/// bool [b, n_h, s_x, mask_columns]: the weights that the draw's dropout keeps; none where it has none.
std::optional<Tensor> drawn_keep(const CaseDraw& draw);

/// Rows first..first + count - 1. Documents are never cut: they have one call.
Mask mask_rows(const Mask& mask, std::int64_t first, std::int64_t count);

/// Which real keys each row sees, given the mask of all calls: with a cache, those there are by the end of its call.
VisibleKeys visible_keys(const CaseDraw& draw, const Mask& mask);

/// int64 [1, count] or [b, count], the input_pos of tokens first..first + count - 1; empty if it is not given.
std::optional<Tensor> drawn_positions(const CaseDraw& draw, std::int64_t first, std::int64_t count);

/// Rows that the rotary tables need.
std::int64_t position_rows(const CaseDraw& draw);

}  // namespace attest::harness
