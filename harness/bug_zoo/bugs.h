#pragma once

#include <algorithm>
#include <array>
#include <string_view>

/// The bugs that are planted, one at a time, in an otherwise correct attention layer (library.cpp), to see whether the
/// harness notices them.
namespace attest::bug_zoo {

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
  // layer: norm
  rotary_after_norm,
  norm_without_epsilon,
  norm_epsilon_outside_root,
  norm_over_wrong_axis,
  norm_subtracts_mean,
  norm_scale_dropped,

  // cache
  slot_off_by_one,
  slots_always_from_zero,
  unfilled_slots_seen,
  unfilled_slots_skipped,
  cache_not_reset,
  cache_batch_rows_mixed,
  stale_v,
  k_cached_before_rotary,

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
};

enum class Area { attention, layer, cache, memory };
constexpr std::string_view name_of(Area area) {
  constexpr std::string_view kNames[] = {"attention", "layer", "cache", "memory"};
  return kNames[static_cast<std::size_t>(area)];
}

/// Ids of explanations; empty ones fill up.
using Effects = std::array<std::string_view, 6>;

struct PlantedBug {
  Bug bug;
  std::string_view name;      ///< the library's option
  std::string_view sentence;  ///< what the wrong kernel does
  Area area;
  std::string_view finding = {};      ///< the explanation that fits its failures; empty: none does
  std::string_view equivalence = {};  ///< why no harness can notice it; empty: it must be noticed
  Effects effects = {};               ///< explanations that are true of what it does besides; facts about values (zeros) always are
};

inline constexpr std::array kPlantedBugs = {
    PlantedBug{Bug::max_not_subtracted, "max_not_subtracted", "exponentiates the scores themselves", Area::attention,
               "max_not_subtracted", {}, {"max_starts_at_zero"}},
    PlantedBug{Bug::max_of_first_block_only, "max_of_first_block_only",
               "subtracts the maximum of the first block from all", Area::attention, "first_block_max"},
    PlantedBug{Bug::max_starts_at_zero, "max_starts_at_zero", "starts the running maximum at 0 instead of -inf",
               Area::attention, "max_starts_at_zero", {}, {"max_not_subtracted"}},
    PlantedBug{Bug::max_over_hidden_keys, "max_over_hidden_keys",
               "lets masked keys raise the maximum: the visible ones underflow", Area::attention,
               "max_over_hidden_keys"},
    PlantedBug{Bug::accumulator_not_rescaled, "accumulator_not_rescaled",
               "keeps the accumulator as it is when the maximum grows", Area::attention, "no_rescaling"},
    PlantedBug{Bug::sum_not_rescaled, "sum_not_rescaled",
               "keeps the sum of the weights as it is when the maximum grows", Area::attention, "no_rescaling"},
    PlantedBug{Bug::exp_of_11_bits, "exp_of_11_bits", "exponential accurate to 2^-11", Area::attention, "precision", {}, {"rows_scaled"}},
    PlantedBug{Bug::exp_of_14_bits, "exp_of_14_bits", "exponential accurate to 2^-14", Area::attention, "precision", {}, {"rows_scaled"}},
    PlantedBug{Bug::exp_clamped_at_minus_20, "exp_clamped_at_minus_20",
               "exponential of no less than -20: rare keys weigh too much", Area::attention, "exp_clamped"},
    PlantedBug{Bug::approximate_reciprocal, "approximate_reciprocal",
               "divides by a reciprocal of 12 bits without refinement", Area::attention, "row_sum_inaccurate", {}, {"precision", "rows_scaled"}},
    PlantedBug{Bug::flush_to_zero, "flush_to_zero", "takes subnormal values as zero", Area::attention, "flush_to_zero"},
    PlantedBug{Bug::scores_rounded_to_bfloat16, "scores_rounded_to_bfloat16", "stores the scores in bfloat16",
               Area::attention, "scores_rounded", {}, {"precision"}},
    PlantedBug{Bug::probabilities_rounded_to_bfloat16, "probabilities_rounded_to_bfloat16",
               "stores the probabilities in bfloat16 in a float32 layer", Area::attention, "probabilities_rounded", {}, {"precision"}},
    PlantedBug{Bug::scale_missing, "scale_missing", "does not scale the scores", Area::attention, "scale_missing"},
    PlantedBug{Bug::scale_of_all_heads, "scale_of_all_heads", "scales by the width of all heads instead of one",
               Area::attention, "scale_wrong_dimension"},
    PlantedBug{Bug::scale_rounded_to_bfloat16, "scale_rounded_to_bfloat16", "stores the scale in bfloat16",
               Area::attention, "scale_rounded"},
    PlantedBug{Bug::tail_keys_dropped, "tail_keys_dropped", "attends whole blocks of four keys only", Area::attention,
               "key_missing", {}, {"unfilled_slots_skipped", "rows_shifted"}},
    PlantedBug{Bug::tail_key_counted_twice, "tail_key_counted_twice",
               "lets the last block overlap the one before by a key", Area::attention, "key_twice"},
    PlantedBug{Bug::tail_channels_dropped, "tail_channels_dropped",
               "sums the dot product over whole groups of eight channels", Area::attention, "score_channels_missing"},
    PlantedBug{Bug::heads_tiled, "heads_tiled", "query head h reads key head h mod n_kv, not h / (n_h / n_kv)",
               Area::attention, "heads_tiled"},
    PlantedBug{Bug::heads_swapped, "heads_swapped", "writes neighbouring heads to each other's place", Area::attention,
               "heads_swapped"},
    PlantedBug{Bug::causal_sees_the_next_key, "causal_sees_the_next_key", "token i sees keys 0..i+1", Area::attention,
               "causal_shifted"},
    PlantedBug{Bug::causal_misses_its_own_key, "causal_misses_its_own_key", "token i sees keys 0..i-1", Area::attention,
               "causal_shifted"},
    PlantedBug{Bug::causal_bottom_right, "causal_bottom_right", "aligns the causal triangle to the last key",
               Area::attention, "causal_bottom_right"},
    PlantedBug{Bug::causal_by_block, "causal_by_block", "hides whole blocks only: the diagonal block is visible",
               Area::attention, "causal_by_block"},
    PlantedBug{Bug::mask_after_softmax, "mask_after_softmax", "hidden keys still count in the sum of the weights",
               Area::attention, "mask_after_softmax", {}, {"unfilled_slots_seen"}},
    PlantedBug{Bug::finite_mask, "finite_mask", "gives hidden keys the score -10000 instead of none", Area::attention,
               "masked_row_mean", {}, {"finite_mask", "hidden_nan_seen", "masked_row_nan"}},
    PlantedBug{Bug::masked_rows_nan, "masked_rows_nan", "a row that sees no key is 0/0", Area::attention,
               "masked_row_nan"},
    PlantedBug{Bug::masked_rows_mean, "masked_rows_mean", "a row that sees no key is the mean of the values",
               Area::attention, "masked_row_mean", {}, {"masked_row_nan"}},
    PlantedBug{Bug::block_hidden_by_its_first_key, "block_hidden_by_its_first_key",
               "skips a block if its first key is hidden", Area::attention, "block_skipped"},
    PlantedBug{Bug::float_mask_cut, "float_mask_cut", "hides keys with a bias of -10000 or below", Area::attention,
               "mask_cut"},
    PlantedBug{Bug::float_mask_scaled, "float_mask_scaled", "scales the bias together with the scores", Area::attention,
               "mask_scaled"},
    PlantedBug{Bug::mask_of_first_sample, "mask_of_first_sample", "uses the mask of the first sample for all",
               Area::attention, "mask_of_first_sample"},
    PlantedBug{Bug::bias_dropped, "bias_dropped", "leaves out the bias of a projection", Area::layer, "bias_missing"},
    PlantedBug{Bug::bias_added_twice, "bias_added_twice", "adds the bias of a projection twice", Area::layer,
               "bias_twice"},
    PlantedBug{Bug::weight_transposed_when_square, "weight_transposed_when_square",
               "reads a square weight by its columns", Area::layer, "weight_transposed"},
    PlantedBug{Bug::weight_rounded_to_tf32, "weight_rounded_to_tf32", "multiplies with 11 significant bits",
               Area::layer, "operands_rounded"},
    PlantedBug{Bug::values_from_x, "values_from_x", "projects the values from x where y has its shape", Area::layer,
               "projected_from_x"},
    PlantedBug{Bug::heads_not_transposed_back, "heads_not_transposed_back", "reads [b, n_h, s, h_d] as [b, s, n_h h_d]",
               Area::layer, "heads_not_transposed"},
    PlantedBug{Bug::pairs_exchanged, "pairs_exchanged",
               "rotates pairs (i, i + h_d/2) where (2i, 2i+1) are meant, and the reverse", Area::layer, "rotary_pairs"},
    PlantedBug{Bug::rotation_reversed, "rotation_reversed", "rotates by the negative angle", Area::layer,
               "rotary_backwards"},
    PlantedBug{Bug::rotary_on_half_the_pairs, "rotary_on_half_the_pairs", "rotates the first half of the pairs",
               Area::layer, "rotary_partial"},
    PlantedBug{Bug::rotary_on_q_only, "rotary_on_q_only", "does not rotate the keys", Area::layer, "rotary_missing"},
    PlantedBug{Bug::rotary_on_v, "rotary_on_v", "rotates the values as well", Area::layer, "rotary_on_v"},
    PlantedBug{Bug::positions_off_by_one, "positions_off_by_one", "counts positions from 1", Area::layer,
               "position_off_by_one"},
    PlantedBug{Bug::positions_ignored, "positions_ignored", "rotates by the index in the call", Area::layer,
               "positions_ignored", {}, {"rotary_missing"}},
    PlantedBug{Bug::tables_in_double, "tables_in_double", "computes the angles in double precision", Area::layer,
               "rotary_table_precision", {}, {"precision"}},
    PlantedBug{Bug::rotary_after_norm, "rotary_after_norm", "normalises before it rotates", Area::layer,
               "norm_before_rotary"},
    PlantedBug{Bug::norm_without_epsilon, "norm_without_epsilon", "leaves out epsilon", Area::layer, "norm_epsilon"},
    PlantedBug{Bug::norm_epsilon_outside_root, "norm_epsilon_outside_root",
               "adds epsilon to the root instead of to the mean square", Area::layer, "norm_epsilon"},
    PlantedBug{Bug::norm_over_wrong_axis, "norm_over_wrong_axis", "takes the mean square over the axis before the last",
               Area::layer, "norm_axis"},
    PlantedBug{Bug::norm_subtracts_mean, "norm_subtracts_mean", "is a layer norm: subtracts the mean", Area::layer,
               "norm_mean_subtracted"},
    PlantedBug{Bug::norm_scale_dropped, "norm_scale_dropped", "leaves out the learned scale", Area::layer,
               "norm_scale"},
    PlantedBug{Bug::slot_off_by_one, "slot_off_by_one", "leaves one slot empty before what it stores", Area::cache,
               "slot_off_by_one"},
    PlantedBug{Bug::slots_always_from_zero, "slots_always_from_zero", "stores every call from the first slot on",
               Area::cache, "slots_from_zero"},
    PlantedBug{Bug::unfilled_slots_seen, "unfilled_slots_seen", "applies the mask to filled slots only", Area::cache,
               "unfilled_slots_seen", {}, {"mask_after_softmax"}},
    PlantedBug{Bug::unfilled_slots_skipped, "unfilled_slots_skipped",
               "attends filled slots only, where torchtune attends all", Area::cache, "unfilled_slots_skipped"},
    PlantedBug{Bug::cache_not_reset, "cache_not_reset", "counts the filled slots itself, through a reset", Area::cache,
               "slots_shifted", {}, {"slot_off_by_one"}},
    PlantedBug{Bug::cache_batch_rows_mixed, "cache_batch_rows_mixed", "stores each sample in the row of the next",
               Area::cache, "batch_mixed"},
    PlantedBug{Bug::stale_v, "stale_v", "stores the value of a decoded token after the attention", Area::cache,
               "stale_values"},
    PlantedBug{Bug::k_cached_before_rotary, "k_cached_before_rotary", "stores the keys without their rotation",
               Area::cache, "rotary_missing"},
    PlantedBug{Bug::writes_past_end, "writes_past_end", "writes one element past the end of its output", Area::memory},
    PlantedBug{Bug::writes_before_begin, "writes_before_begin", "writes one element before its output", Area::memory},
    PlantedBug{Bug::reads_past_end, "reads_past_end", "reads one element past the end of its input", Area::memory},
    PlantedBug{Bug::reads_before_begin, "reads_before_begin", "reads one element before its input", Area::memory},
    PlantedBug{Bug::last_row_unwritten, "last_row_unwritten", "writes rows in pairs and forgets an odd last one",
               Area::memory, "unwritten"},
    PlantedBug{Bug::output_added_to, "output_added_to", "adds to the output as if it were zero", Area::memory,
               "unwritten"},
    PlantedBug{Bug::input_changed, "input_changed", "scales its input in place", Area::memory},
    PlantedBug{Bug::weights_kept_from_first_call, "weights_kept_from_first_call",
               "packs a weight once and uses it for every other of that shape", Area::memory, "weights_exchanged"},
    PlantedBug{Bug::depends_on_threads, "depends_on_threads", "splits the keys of a row among the threads",
               Area::memory},
};

/// Null for a name that is not in the zoo.
inline const PlantedBug* find_bug(std::string_view name) {
  const auto* found = std::ranges::find(kPlantedBugs, name, &PlantedBug::name);
  return found == kPlantedBugs.end() ? nullptr : found;
}

}  // namespace attest::bug_zoo
