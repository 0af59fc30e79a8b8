#pragma once

#include "optimized/attention.inl.h"
#include "optimized/head_finish.inl.h"
#include "optimized/kernels.h"
#include "optimized/peak.inl.h"
#include "optimized/projection.inl.h"

/// The one kernel source. A target's file includes its vec_<target>.h, then this, then returns kKernels.
namespace {

constexpr attest::optimized::KernelTable kKernels = {
    kWidth,    kTileRows,   kPanelWidth, kAttentionRows,      pack_rows, pack_panel,     multiply_block, finish_head,
    store_key, store_value, scan_mask,   attention_workspace, attend,    merge_partials, run_peak};

}  // namespace
