#pragma once

#include "fixtures/stage_inputs.h"
#include "harness/explain/hypothesis.h"

namespace attest::harness::explain {

/// Bias missing or added twice, weight transposed, products left out, operands rounded.
Hypotheses linear_hypotheses(const LinearInputs& inputs, const Residual& residual);

/// Pairs of the other kind, positions off by one or ignored, rotation missing, backwards or twice, tables of another
/// base or precision.
Hypotheses rotary_hypotheses(const RotaryInputs& inputs);

/// Pairs keep their length but are turned by another angle, whatever made it so.
std::vector<Fitting> angle_findings(const RotaryInputs& inputs, const Residual& residual,
                                    const std::vector<std::int64_t>& rows);

/// Epsilon missing or outside the root, scale missing, mean subtracted, sum for mean, another axis, not applied.
Hypotheses norm_hypotheses(const NormInputs& inputs);

}  // namespace attest::harness::explain
