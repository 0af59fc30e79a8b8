/// The one kernel source. A target's file includes its vec_<target>.h, then this, then returns kKernels.
#include "optimized/kernels.h"

// clang-format off: each part uses those before it
#include "optimized/tile_product.inl.h"
#include "optimized/projection.inl.h"
#include "optimized/head_finish.inl.h"
#include "optimized/exp2.inl.h"
#include "optimized/mask.inl.h"
#include "optimized/softmax.inl.h"
#include "optimized/attention.inl.h"
#include "optimized/peak.inl.h"
// clang-format on

namespace {

constexpr attest::optimized::KernelTable kKernels = {kWidth,         kTileRows,   kPanelWidth, kAttentionRows,
                                                     pack_rows,      multiply_block, finish_head, store_key,
                                                     store_value,    scan_mask,   attention_workspace, attend,
                                                     merge_partials, run_peak};

}  // namespace
