#pragma once

#include "harness/explain/attention_model.h"

namespace attest::harness::explain {

/// Causal bound shifted, aligned bottom-right or ignored; mask ignored, inverted, scaled, finite, applied too late;
/// NaN or the mean on rows that see no key.
Hypotheses mask_hypotheses(const AttentionModel& right, bool is_causal);

/// Blocks of a BlockMask, which must outlive the result, seen wholly, elsewhere, or twice.
Hypotheses block_mask_hypotheses(const AttentionModel& right, const BlockMask& mask);

/// Dropout left out, its factor wrong, the weights of another head dropped.
Hypotheses dropout_hypotheses(const AttentionModel& right, double dropout_p);

/// The scale missing, applied twice, of another dimension, or rounded.
Hypotheses scale_hypotheses(const AttentionModel& right);

/// The scale wrong by any factor, solved for: where it is none of the above.
std::vector<Fitting> fitted_scale_findings(const AttentionModel& right, const Residual& residual,
                                           const std::vector<std::int64_t>& rows);

/// Partial results not rescaled, exp clamped, no division by the sum, numbers below the normal range flushed to zero,
/// operands rounded.
Hypotheses softmax_hypotheses(const AttentionModel& right);

/// The largest logit not subtracted, or taken from the first block only: the rows whose exp overflows or underflows are
/// exactly those that are lost.
std::vector<Fitting> overflow_findings(const AttentionModel& right, const Residual& residual,
                                       const std::vector<std::int64_t>& rows);

/// Another key/value head or sample is read, values or keys of a neighbouring slot.
Hypotheses key_value_hypotheses(const AttentionModel& right);

/// Slots of zeros at the end, which nothing filled, are skipped, or seen although hidden.
Hypotheses slot_hypotheses(const AttentionModel& right);

/// The values of this call, one for each of its tokens, are not in the last filled slots yet. Of a layer with a cache.
Hypotheses stale_value_hypotheses(const AttentionModel& right);

/// The mask of another sample, head or token, transposed, moved by a key, or not turned into the exponent's base.
Hypotheses mask_reading_hypotheses(const AttentionModel& right);

/// What becomes of NaN: hidden ones come through, a row of them is taken for one that sees nothing, a row whose first
/// keys are all hidden divides zero by zero.
Hypotheses nan_hypotheses(const AttentionModel& right, const Residual& residual);

/// Partial results of runs of keys merged with wrong weights.
Hypotheses merge_hypotheses(const AttentionModel& right);

/// Keys with score 0 that are none count in the row's sum: how many is solved for.
std::vector<Fitting> padding_findings(const AttentionModel& right, const Residual& residual,
                                      const std::vector<std::int64_t>& rows);

/// Keys left out or counted twice, solved for row by row: those that explain every row outside its budget.
std::vector<Fitting> key_findings(const AttentionModel& right, const Residual& residual,
                                  const std::vector<std::int64_t>& rows);

}  // namespace attest::harness::explain
