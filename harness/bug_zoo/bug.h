#pragma once

namespace attest::bug_zoo {

/// What recipe.cpp plants; bugs.h says of each what it is.
enum class Bug {
  none,

  // attention: the softmax
  max_not_subtracted,
  max_of_first_block_only,
  max_starts_at_zero,
  max_over_hidden_keys,
  accumulator_not_rescaled,
  sum_not_rescaled,
  exp_of_11_bits,
  exp_of_14_bits,
  exp_clamped_at_minus_20,
  approximate_reciprocal,
  flush_to_zero,
  scores_rounded_to_bfloat16,
  probabilities_rounded_to_bfloat16,
  // attention: the scale
  scale_missing,
  scale_of_all_heads,
  scale_rounded_to_bfloat16,
  // attention: keys and heads
  tail_keys_dropped,
  tail_key_counted_twice,
  tail_channels_dropped,
  heads_tiled,
  heads_swapped,
  // attention: masks
  causal_sees_the_next_key,
  causal_misses_its_own_key,
  causal_bottom_right,
  causal_by_block,
  mask_after_softmax,
  finite_mask,
  masked_rows_nan,
  masked_rows_mean,
  block_hidden_by_its_first_key,
  float_mask_cut,
  float_mask_scaled,
  mask_of_first_sample,
  // attention: as it was reported of others' kernels (public_reports.h)
  first_block_hidden,
  padding_in_row_sum,
  padding_in_row_max,
  mask_axis_of_one_walked,
  shared_mask_offset_by_sample,
  scores_in_float16,
  window_one_key_more,
  group_read_as_tokens,
  nan_query_is_zero,
  hidden_value_times_zero,
  keys_beyond_a_tile_dropped,
  samples_beyond_third_unwritten,
  many_heads_tiled,

  // layer: projections
  bias_dropped,
  bias_added_twice,
  weight_transposed_when_square,
  weight_rounded_to_tf32,
  values_from_x,
  heads_not_transposed_back,
  // layer: rotary embedding
  pairs_exchanged,
  rotation_reversed,
  rotary_on_half_the_pairs,
  rotary_on_q_only,
  rotary_on_v,
  positions_off_by_one,
  positions_ignored,
  tables_in_double,
  rotary_of_first_sample,
  positions_run_on,
  positions_in_bfloat16,
  frequencies_in_bfloat16,
  rotary_scaling_left_out,
  // layer: norm
  rotary_after_norm,
  norm_without_epsilon,
  norm_epsilon_outside_root,
  norm_over_wrong_axis,
  norm_subtracts_mean,
  norm_scale_dropped,
  norm_over_all_heads,

  // cache
  slot_off_by_one,
  slots_always_from_zero,
  unfilled_slots_seen,
  unfilled_slots_skipped,
  cache_not_reset,
  cache_batch_rows_mixed,
  stale_v,
  k_cached_before_rotary,
  chunk_top_left,
  first_slot_not_written,
  cache_tile_of_samples,

  // memory
  writes_past_end,
  writes_before_begin,
  reads_past_end,
  reads_before_begin,
  last_row_unwritten,
  output_added_to,
  input_changed,
  weights_kept_from_first_call,
  depends_on_threads,
  threads_share_scores,
  workspace_not_cleared,
  aligned_loads,
};

}  // namespace attest::bug_zoo
