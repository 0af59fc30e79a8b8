#pragma once

#include "optimized/attention.inl.h"
#include "optimized/head_finish.inl.h"
#include "optimized/kernels.h"
#include "optimized/peak.inl.h"
#include "optimized/projection.inl.h"

/// The one kernel source. A target's file includes its vec_<target>.h, then this, then returns kKernels.
namespace {

constexpr attest::optimized::KernelTable kKernels = {
    .vector_width = kWidth,
    .tile_rows = kTileRows,
    .panel_width = kPanelWidth,
    .attention_rows = kAttentionRows,
    .packed_rows_size = packed_rows_size,
    .pack_rows = pack_rows,
    .panel_size = panel_size,
    .pack_panel = pack_panel,
    .multiply_block = multiply_block,
    .finish_head = finish_head,
    .keys_size = keys_size,
    .values_size = values_size,
    .store_key = store_key,
    .store_value = store_value,
    .load_key = load_key,
    .load_value = load_value,
    .scan_mask = scan_mask,
    .attention_workspace = attention_workspace,
    .attend = attend,
    .merge_partials = merge_partials,
    .run_peak = run_peak,
};

}  // namespace
