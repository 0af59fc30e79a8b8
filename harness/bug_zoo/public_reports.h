#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "harness/bug_zoo/bugs.h"

/// Where bugs of the zoo were met: reports of faults in kernels that people used. Each was rewritten here from its
/// description; no code is theirs.
namespace attest::bug_zoo {

struct PublicReport {
  Bug bug;
  std::string_view reports;  ///< OWNER/REPOSITORY#NUMBER
};

inline constexpr std::array kPublicReports = {
    PublicReport{Bug::first_block_hidden, "pytorch/pytorch#127055"},
    PublicReport{Bug::padding_in_row_sum, "flashinfer-ai/flashinfer#5090"},
    PublicReport{Bug::padding_in_row_max,
                 "pytorch/pytorch#193893, pytorch/pytorch#196678, NVIDIA/cudnn-frontend#262, "
                 "NVIDIA/cudnn-frontend#743, NVIDIA/cudnn-frontend#744"},
    PublicReport{Bug::mask_axis_of_one_walked, "pytorch/pytorch#128816"},
    PublicReport{Bug::shared_mask_offset_by_sample, "tenstorrent/tt-metal#39910"},
    PublicReport{Bug::scores_in_float16, "ggml-org/llama.cpp#7805, ggml-org/llama.cpp#8412"},
    PublicReport{Bug::window_one_key_more,
                 "huggingface/transformers#39408, microsoft/onnxruntime#25927, ml-explore/mlx-lm#390"},
    PublicReport{Bug::group_read_as_tokens, "HKUSTDial/flash-sparse-attention#190, vllm-project/flash-attention#87"},
    PublicReport{Bug::nan_query_is_zero, "pytorch/pytorch#141128"},
    PublicReport{Bug::hidden_value_times_zero, "pytorch/pytorch#101967, deepbeepmeep/Wan2GP#1628"},
    PublicReport{Bug::rotary_of_first_sample, "ml-explore/mlx#3494, ml-explore/mlx#3949"},
    PublicReport{Bug::positions_run_on, "turboderp/exllama#101"},
    PublicReport{Bug::positions_in_bfloat16, "EleutherAI/gpt-neox#1016"},
    PublicReport{Bug::frequencies_in_bfloat16, "sgl-project/sglang-jax#1472"},
    PublicReport{Bug::rotary_scaling_left_out, "ggml-org/llama.cpp#8650, ggml-org/llama.cpp#8676, lablup/mlxcel#1355"},
    PublicReport{Bug::norm_over_all_heads, "Alpha-VLLM/Lumina-T2X#112"},
    PublicReport{Bug::chunk_top_left,
                 "pytorch/executorch#21749, openvinotoolkit/openvino#36680, pytorch/pytorch#144858"},
    PublicReport{Bug::first_slot_not_written, "TrenTorch/TrenTorch#192"},
    PublicReport{Bug::cache_tile_of_samples, "tenstorrent/tt-metal#52671"},
    PublicReport{Bug::threads_share_scores, "pytorch/pytorch#176091, BobMcDear/attorch#14"},
    PublicReport{Bug::workspace_not_cleared, "NVIDIA/apex#1322, vllm-project/tpu-inference#3426"},
    PublicReport{Bug::aligned_loads, "vllm-project/vllm#41454"},
};

/// Empty for a bug of our own invention.
constexpr std::string_view public_reports_of(Bug bug) {
  const auto* found = std::ranges::find(kPublicReports, bug, &PublicReport::bug);
  return found == kPublicReports.end() ? std::string_view{} : found->reports;
}

}  // namespace attest::bug_zoo
