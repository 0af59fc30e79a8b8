#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "fixtures/case.h"
#include "harness/profile/prepared_work.h"
#include "reference/truth.h"

/// Rows of tensors, picked so that a large call can be judged on a few of its tokens.
namespace attest::harness {

using Tokens = std::vector<std::int64_t>;

/// x [b, ...] -> [1, ...]: one sample; a tensor of one sample is every sample's.
Tensor sample_of(const Tensor& x, std::int64_t sample);
/// Of arguments in which y is not absent and positions are [b, s].
Inputs sample_of(const Inputs& inputs, std::int64_t sample);

/// x [1, s, ...] -> the same with only these tokens.
Tensor rows_of_tokens(const Tensor& x, const Tokens& tokens);

/// x [1, n, s, h_d] -> [1, n, tokens, h_d].
Tensor head_rows_of_tokens(const Tensor& x, const Tokens& tokens);

/// The rows [1, tokens, s_k] that these tokens see of `mask`, or of causality where there is no mask.
BoolMask mask_rows(const Mask& mask, const Tokens& tokens, std::int64_t keys);

/// Adds the comparison of `got` with its truth to the verdict.
void judge_rows(WorkVerdict& verdict, std::string stage, const Tensor& got, const reference::StageTruth& truth);

}  // namespace attest::harness
