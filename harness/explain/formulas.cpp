#include "harness/explain/formulas.h"

#include <algorithm>
#include <iterator>

#include "harness/explain/attention_hypotheses.h"
#include "harness/explain/stage_hypotheses.h"

namespace attest::harness::explain {
namespace {

struct Formulas {
  const StageFailure& failure;
  const Residual& residual;

  Hypotheses operator()(const LinearInputs& in) const { return linear_hypotheses(in, residual); }
  Hypotheses operator()(const RotaryInputs& in) const { return rotary_hypotheses(in); }
  Hypotheses operator()(const NormInputs& in) const { return norm_hypotheses(in); }
  Hypotheses operator()(const AttentionInputs& in) const {
    const AttentionModel right(in, failure.tokens);
    // The narrower ones first: where a wide one changes nothing else, both fit.
    Hypotheses all = slot_hypotheses(right);
    const auto add = [&all](Hypotheses more) { std::ranges::move(more, std::back_inserter(all)); };
    add(nan_hypotheses(right, residual));
    if (const auto* blocks = std::get_if<BlockMask>(&in.mask)) add(block_mask_hypotheses(right, *blocks));
    if (in.keep != nullptr) add(dropout_hypotheses(right, in.dropout_p));
    add(mask_hypotheses(right, in.is_causal));
    if (!in.is_causal && !std::holds_alternative<NoMask>(in.mask)) add(mask_reading_hypotheses(right));
    add(scale_hypotheses(right));
    add(softmax_hypotheses(right));
    add(key_value_hypotheses(right));
    add(merge_hypotheses(right));
    return all;
  }
};

}  // namespace

Hypotheses formulas_of(const StageFailure& failure, const Residual& residual) {
  return std::visit(Formulas{failure, residual}, *failure.inputs);
}

}  // namespace attest::harness::explain
